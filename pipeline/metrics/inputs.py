"""What every metric asks of its arrays. What does not fit is refused with a sentence: expected, found."""

import numpy as np

LARGEST = 1e100  # the square of it is still a number


class TooFew(ValueError):
    """A metric needs more samples than there are."""


def check_vectors(x: np.ndarray, name: str, at_least: int = 1) -> None:
    """Refuse what is not (n, d) finite numbers with n >= `at_least`.

    Raises:
        TooFew: for too few rows.
        ValueError: for a wrong number of axes, no columns, or a value that is no finite number.
    """
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"{name}: expected an array of shape (n, d), found {x.shape}")
    if len(x) < at_least:
        raise TooFew(f"{name}: expected at least {at_least} samples, found {len(x)}")
    if not np.issubdtype(x.dtype, np.number) or np.iscomplexobj(x):
        raise ValueError(f"{name}: expected real numbers, found {x.dtype}")
    bad = ~(np.abs(x).max(axis=1).astype(np.float64) < LARGEST)  # NaN isn't below it either
    if bad.any():
        raise ValueError(f"{name}: expected finite numbers, found others in {bad.sum()} of {len(x)} samples")


def check_pair(real: np.ndarray, fake: np.ndarray, at_least: int = 1) -> None:
    """Refuse two sets of vectors that cannot be compared.

    Raises:
        ValueError: as `check_vectors`, and for an unequal number of columns.
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
    """Refuse what is not a distribution, or an array whose last axis holds distributions.

    Raises:
        ValueError: for negative or missing numbers, or sums that are not 1 within 1e-4.
    """
    if p.size == 0 or not np.isfinite(p).all() or (p < 0).any():
        raise ValueError(f"{name}: expected probabilities, found an array that is empty or has other numbers")
    if (error := np.abs(p.sum(axis=-1) - 1).max()) > 1e-4:
        raise ValueError(f"{name}: expected probabilities that sum to 1, found a sum that is off by {error:.2g}")
