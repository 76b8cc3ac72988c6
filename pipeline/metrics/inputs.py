"""Check the arrays that metrics take. Each refusal says what was expected and what was found."""

import numpy as np

LARGEST = 1e100  # its square is still finite


class TooFew(ValueError):
    """Signal that a metric needs more samples than there are."""


def check_vectors(x: np.ndarray, name: str, at_least: int = 1) -> None:
    """Refuse an array that is not (n, d) finite real numbers with n >= `at_least`.

    Raises:
        TooFew: for too few rows.
        ValueError: for a wrong number of axes, no columns, or a value that is not a finite number.
    """
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{name}: expected an array of shape (n, d), found {x.shape}")
    if len(x) < at_least:
        raise TooFew(f"{name}: expected at least {at_least} samples, found {len(x)}")
    if not np.issubdtype(x.dtype, np.number) or np.iscomplexobj(x):
        raise ValueError(f"{name}: expected real numbers, found {x.dtype}")
    bad = ~(np.abs(x).max(axis=1).astype(np.float64) < LARGEST)  # ~ and <, so that NaN is bad too
    if bad.any():
        raise ValueError(f"{name}: expected finite numbers, found others in {bad.sum()} of {len(x)} samples")


def check_pair(real: np.ndarray, fake: np.ndarray, at_least: int = 1) -> None:
    """Refuse two sets of vectors that cannot be compared.

    Raises:
        ValueError: as for `check_vectors`, and for unequal numbers of columns.
    """
    check_vectors(real, "real", at_least)
    check_vectors(fake, "fake", at_least)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"expected as many features of the fake samples as of the real ones, {real.shape[1]}, found {fake.shape[1]}"
        )


def check_equal_counts(real: int, fake: int, metric: str) -> None:
    """Refuse unequal numbers of samples where the metric depends on them."""
    if real != fake:
        raise ValueError(f"{metric}: expected as many fake samples as real ones, found {fake} and {real}")


def check_shares(p: np.ndarray, name: str) -> None:
    """Refuse an array whose last axis does not hold distributions.

    Raises:
        ValueError: for negative or non-finite numbers, or sums that are not 1 within 1e-4.
    """
    if p.size == 0 or not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(f"{name}: expected probabilities, found an array that is empty or has other numbers")
    if (error := np.abs(p.sum(axis=-1) - 1).max()) > 1e-4:
        raise ValueError(f"{name}: expected probabilities that sum to 1, found a sum that is off by {error:.2g}")
