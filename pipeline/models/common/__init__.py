"""Provide what families share: layers, their description as tables, checkpoints, and loading by name."""
