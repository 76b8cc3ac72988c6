"""Shares of counted things, and how sure they are."""

import numpy as np
from scipy.stats import binomtest


def shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """The share of each class among `labels` (n,): (classes,), summing to 1."""
    return np.bincount(labels, minlength=classes) / len(labels)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion (Wilson, 1927)."""
    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)
