"""Figures: arrays and tables in, matplotlib Figures or PNG bytes out."""
