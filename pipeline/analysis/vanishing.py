"""Evaluate the experiment with a perfect discriminator: did it win, and how far did the gradient fall?"""

import math

import numpy as np
import pandas as pd

WON = 0.01  # a discriminator has won if it takes a smaller share of fakes for real
SMALLEST = float(np.finfo(np.float32).tiny)  # replaces a norm of zero


def won(experiment: pd.DataFrame) -> bool:
    """Return whether the discriminator takes fewer than one fake in a hundred for real at the end."""
    return bool(experiment["D_fake"].iloc[-1] < WON)


def orders_lost(norms: pd.Series) -> float:
    """Return by how many powers of ten the last norm is below the first; a negative number if it is above."""
    first, last = (max(float(norm), SMALLEST) for norm in (norms.iloc[0], norms.iloc[-1]))
    return math.log10(first / last)
