"""How sure are the numbers: intervals over seeds, tests between models, ranks with ties."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t

MOST_SPLITS = 200_000  # all splits of ten seeds against ten
ROUNDING = 1e-12  # differences closer than this share are equal


@dataclass(frozen=True)
class Interval:
    """A mean over seeds, and how far it can be trusted."""

    mean: float
    sd: float | None  # between seeds; None for one seed
    lower: float | None  # None for one seed: one training cannot say how another would end
    upper: float | None
    seeds: int
    method: str  # in words, for the report


@dataclass(frozen=True)
class Rank:
    """From the best rank that a model may have to the worst, 1 being best. Overlapping ranks are ties."""

    best: int
    worst: int


def seed_interval(values: np.ndarray, level: float = 0.95) -> Interval:
    """The t interval of the mean of one value for each seed (Student, 1908).

    Args:
        values: (seeds,), each the mean over that seed's draws of samples.

    Raises:
        ValueError: for another number of axes, no values, or values that are not finite.
    """
    _check(values, "values")
    n, mean = len(values), float(values.mean())
    if n == 1:
        return Interval(mean, None, None, None, 1, "one seed: no interval")
    sd = float(values.std(ddof=1))
    half = float(t.ppf((1 + level) / 2, n - 1)) * sd / math.sqrt(n)
    return Interval(mean, sd, mean - half, mean + half, n, f"{100 * level:g} % t interval over {n} seeds")


def permutation_p(a: np.ndarray, b: np.ndarray) -> float:
    """The exact two-sided p value of equal means over seeds (Fisher, 1935): all splits of the values are gone through.

    It is the share of splits whose means differ by at least as much. With 5 against 5 seeds it is 2/252 at the least,
    with 8 against 8 it is 2/12870, with one seed on each side it is always 1.

    Args:
        a: (seeds,)
        b: (seeds,)

    Raises:
        ValueError: for more than 200 000 splits, no values, or values that are not finite.
    """
    _check(a, "a")
    _check(b, "b")
    splits = math.comb(len(a) + len(b), len(a))
    if splits > MOST_SPLITS:
        raise ValueError(f"expected at most {MOST_SPLITS} splits, found {splits}, from {len(a)} and {len(b)} seeds")
    both = np.concatenate([a, b])
    chosen = np.array(list(itertools.combinations(range(len(both)), len(a))))
    sums = both[chosen].sum(axis=1)
    gaps = np.abs(sums / len(a) - (both.sum() - sums) / len(b))
    observed = abs(a.mean() - b.mean())
    return float((gaps >= observed - ROUNDING * np.abs(both).max()).mean())


def holm(p: np.ndarray) -> np.ndarray:
    """P values (tests,) adjusted for being several (Holm, 1979), in their order.

    Raises:
        ValueError: for values outside 0 to 1.
    """
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"expected p values between 0 and 1, found {p}")
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def ranks(
    models: Mapping[str, np.ndarray],
    better: Literal["lower", "higher"] | float,
    floor: float = 0.0,
    level: float = 0.05,
) -> dict[str, Rank]:
    """The rank of each model as an interval: ties are shown, not broken.

    A model is surely better than another if their permutation test, adjusted by Holm over all pairs, is at most `level`
    and their means differ by more than `floor`. Its rank is from 1 + the number of surely better models to the number
    of models less that of surely worse ones.

    Args:
        models: for each its values (seeds,).
        better: lower, higher, or the value of a perfect model: then the distance from it counts, seed by seed.
        floor: the standard deviation of the score of real data against real data.

    Raises:
        ValueError: for values that are not finite, or too many seeds.
    """
    losses = {name: _loss(values, better) for name, values in models.items()}
    pairs = list(itertools.combinations(losses, 2))
    adjusted = holm(np.array([permutation_p(losses[a], losses[b]) for a, b in pairs]))
    above, below = dict.fromkeys(losses, 0), dict.fromkeys(losses, 0)  # surely better ones, surely worse ones
    for (a, b), p in zip(pairs, adjusted, strict=True):
        gap = losses[a].mean() - losses[b].mean()
        if p <= level and abs(gap) > floor:
            winner, loser = (a, b) if gap < 0 else (b, a)
            below[winner] += 1
            above[loser] += 1
    return {name: Rank(1 + above[name], len(losses) - below[name]) for name in losses}


def _loss(values: np.ndarray, better: Literal["lower", "higher"] | float) -> np.ndarray:
    if isinstance(better, str):
        return values if better == "lower" else -values
    return np.abs(values - better)


def _check(values: np.ndarray, name: str) -> None:
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"{name}: expected one finite number for each seed, found {values}")
