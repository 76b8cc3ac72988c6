"""Compute shares and their confidence intervals."""

import math

import numpy as np
from scipy.special import ndtri


def shares(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return the share of each class among `labels` (n,): (classes,), summing to 1."""
    return np.bincount(labels, minlength=classes) / len(labels)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a proportion (Wilson, 1927)."""
    z2 = float(ndtri(0.975)) ** 2
    middle = (successes + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * (successes * (n - successes) / n + z2 / 4)) / (n + z2)
    return middle - half if successes else 0.0, middle + half if successes < n else 1.0
