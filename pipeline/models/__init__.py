"""Define the families of generative models, one file each; base.py defines their common interface."""
