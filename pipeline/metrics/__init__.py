"""Compute all metrics: arrays in, numbers out, one module for each kind of metric. Nothing here imports torch."""
