"""What families share: layers, their tables, checkpoints, loading by name."""
