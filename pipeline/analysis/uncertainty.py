"""Quantify uncertainty: intervals over seeds, and exact tests between models."""

import functools
import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

MOST_SPLITS = 200_000  # more than all splits of ten seeds against ten
ROUNDING = 1e-12  # relative difference below which values count as equal


@dataclass(frozen=True)
class Interval:
    """Hold a mean and its confidence interval."""

    mean: float
    sd: float | None  # standard deviation of the values; None for one value
    lower: float | None  # None for one value: one training cannot say how another would end
    upper: float | None


def seed_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """Return the t interval of the mean of one value for each seed (Student, 1908).

    Args:
        values: (seeds,) means over the draws of each seed; or the draws (draws,) of one training run.
        level: the confidence level.

    Raises:
        ValueError: for another number of axes, no values, or values that are not finite.
    """
    _check(values, "values")
    n, mean = len(values), float(values.mean())
    if n == 1:
        return Interval(mean, None, None, None)
    sd = float(values.std(ddof=1))
    half = float(stdtrit(n - 1, (1 + level) / 2)) * sd / math.sqrt(n)
    return Interval(mean, sd, mean - half, mean + half)


def difference_interval(a: np.ndarray, b: np.ndarray, level: float = 0.95) -> Interval:
    """Return the interval of the difference mean(a) - mean(b), for unequal variances (Welch, 1947).

    Its `sd` is the standard error of the difference. If a side has only one value, its variance is unknown, and only
    the mean is given.

    Args:
        a: (seeds,)
        b: (seeds,)
        level: the confidence level.

    Raises:
        ValueError: for another number of axes, no values, or values that are not finite.
    """
    _check(a, "a")
    _check(b, "b")
    gap = float(a.mean() - b.mean())
    if min(len(a), len(b)) == 1:
        return Interval(gap, None, None, None)
    of_a, of_b = (Estimate(float(x.mean()), float(x.var(ddof=1)), len(x) - 1, len(x)) for x in (a, b))
    return difference_of(of_a, of_b, level)


@dataclass(frozen=True)
class Estimate:
    """Hold a mean over n values, and their variance, which was estimated with so many degrees of freedom."""

    mean: float
    variance: float
    freedom: int
    n: int


def interval_of(estimate: Estimate, level: float = 0.95) -> Interval:
    """Return the t interval of a mean whose variance was estimated elsewhere."""
    error = math.sqrt(estimate.variance / estimate.n)
    half = float(stdtrit(estimate.freedom, (1 + level) / 2)) * error
    return Interval(estimate.mean, math.sqrt(estimate.variance), estimate.mean - half, estimate.mean + half)


def difference_of(a: Estimate, b: Estimate, level: float = 0.95) -> Interval:
    """Return the interval of the difference of two means, for unequal variances (Welch, 1947)."""
    gap, error, freedom = welch(a, b)
    half = float(stdtrit(freedom, (1 + level) / 2)) * error if error else 0.0
    return Interval(gap, error, gap - half, gap + half)


def welch(a: Estimate, b: Estimate) -> tuple[float, float, float]:
    """Return the difference of two means, its standard error, and the degrees of freedom of that (Welch, 1947)."""
    parts = np.array([a.variance / a.n, b.variance / b.n])
    if not parts.any():
        return a.mean - b.mean, 0.0, 1.0
    shares = parts / parts.sum()
    freedom = 1 / (shares[0] ** 2 / a.freedom + shares[1] ** 2 / b.freedom)
    return a.mean - b.mean, math.sqrt(parts.sum()), float(freedom)


def welch_test(a: Estimate, b: Estimate) -> float:
    """Return the two-sided p value of equal means, for unequal variances (Welch, 1947).

    The variances may come from more values than the means. If both are 0, p is 0 for unequal means, else 1.
    """
    gap, error, freedom = welch(a, b)
    if error == 0:
        return 0.0 if gap else 1.0
    return 2 * float(stdtr(freedom, -abs(gap) / error))


@dataclass(frozen=True, eq=False)
class Permutation:
    """Hold the p values of several scores of the same training runs."""

    p: np.ndarray  # (scores,) without adjustment
    adjusted: np.ndarray  # (scores,) adjusted for the number of scores


def permutation_test(a: np.ndarray, b: np.ndarray) -> Permutation:
    """Test several scores for equal means over seeds (Fisher, 1935; Westfall & Young, 1993), exactly and two-sided.

    All splits of the training runs into two sides are compared. The p value of a score is the share of splits in which
    its means differ by at least as much as observed. The adjusted p value is the share in which any score differs by at
    least as much, in units of its standard deviation. Scores of the same images are correlated, so this costs far less
    power than multiplying p by their number.

    For n against n seeds, both p values are at least 2 / C(2n, n): 2/20 for three, 2/70 for four, 2/252 for five, and
    2/12870 for eight. With one seed on each side they are 1.

    Args:
        a: (scores, seeds)
        b: (scores, seeds of the other side)

    Raises:
        ValueError: for more than 200 000 splits, unequal numbers of scores, no values, or values that are not finite.
    """
    for values, name in ((a, "a"), (b, "b")):
        if values.ndim != 2 or not values.size or not np.isfinite(values).all():
            raise ValueError(f"{name}: expected finite numbers (scores, seeds), found {values}")
    if len(a) != len(b):
        raise ValueError(f"expected the same scores on both sides, found {len(a)} and {len(b)}")
    n, m = a.shape[1], b.shape[1]
    if (splits := math.comb(n + m, n)) > MOST_SPLITS:
        raise ValueError(f"expected at most {MOST_SPLITS} splits, found {splits}, from {n} and {m} seeds")
    # Scale each score by its standard deviation, so that gaps of different scores can be compared.
    both = np.concatenate([a, b], axis=1)
    centred = both - both.mean(axis=1, keepdims=True)  # the sum of one side then gives the gap
    spread = np.sqrt(np.square(centred).sum(axis=1))
    rounding = ROUNDING * n * np.abs(both).max(axis=1)
    known = spread > rounding  # all values of the other scores are equal
    scaled = np.divide(centred, spread[:, None], out=np.zeros_like(centred), where=known[:, None])

    # Compare the observed gaps with those of all splits: score by score for p, by the largest gap for the adjusted p.
    gaps = np.abs(_splits(n, m) @ scaled.T)  # (splits, scores)
    observed = gaps[0] - np.divide(rounding, spread, out=np.zeros_like(spread), where=known)
    largest = np.sort(gaps.max(axis=1))
    return Permutation(
        p=(gaps >= observed).mean(axis=0),
        adjusted=(len(largest) - np.searchsorted(largest, observed)) / len(largest),
    )


@functools.lru_cache(maxsize=4)
def _splits(n: int, m: int) -> np.ndarray:
    """Return (splits, n + m): 1 for the values of the first side; the observed split comes first.

    For equal sides only half of the splits are returned: the other half exchanges the sides.
    """
    chosen = np.array(list(itertools.combinations(range(n + m), n)))
    if n == m:
        chosen = chosen[: len(chosen) // 2]
    sides = np.zeros((len(chosen), n + m))
    np.put_along_axis(sides, chosen, 1.0, axis=1)
    return sides


def _check(values: np.ndarray, name: str) -> None:
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected one finite number for each seed, found {values}")
