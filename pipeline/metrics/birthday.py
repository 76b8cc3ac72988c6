"""Estimate the number of different images that a model can draw (birthday test)."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import REPEATS, Metric

QUANTILE = 0.001  # of the distances of real images to the nearest one of their class; closer images count as one
BATCHES = 50

METRICS = (
    Metric(
        name="support",
        title="Number of different images, by repetitions",
        question="coverage",
        space="pixels",
        better="higher",
        formula=r"\frac{s^2}{2\ln 2},\quad s=\min\{s:P[\text{two of }s\text{ are alike}]\ge\tfrac{1}{2}\}",
        source="Arora & Zhang, 2017",
        sees=("blur", "pca_50", "pca_20", *REPEATS),
        blind=("copies", "noise", "shift", "missing_class", "mean_of_two", "part_noise"),
        scale="log",
    ),
    Metric(
        name="support_by_pairs",
        title="Number of different images, by all pairs",
        question="coverage",
        space="pixels",
        better="higher",
        formula=r"\frac{\binom{n}{2}}{\#\{i<j:\lVert y_i-y_j\rVert\le\varepsilon\}}",
        source="after Arora & Zhang, 2017",
        sees=("blur", "pca_50", "pca_20", *REPEATS),
        blind=("copies", "noise", "shift", "missing_class", "mean_of_two", "part_noise"),
        scale="log",
    ),
)


@dataclass(frozen=True)
class Support:
    """Hold the support size: the number of equally likely images that would repeat as often as these."""

    batch: int | None  # s: half of the batches of this size hold two alike; None without collisions
    by_birthday: float | None  # s^2 / (2 ln 2)
    by_pairs: float | None  # pairs / collisions
    collisions: int
    pairs: int
    at_least: float | None  # only without collisions: a smaller support would show one with P > .95


@dataclass(frozen=True, eq=False)
class Alike:
    """Record which of n images count as one."""

    bits: np.ndarray  # (n, ceil(n / 8)) uint8: one bit per pair, 0 for an image with itself
    degree: np.ndarray  # (n,) the number of other images that count as this one


def duplicate_distance(twins: np.ndarray) -> float:
    """Return the distance below which two images count as one: the 0.1 % quantile of `twins`.

    By construction, about one real image in a thousand has such a twin.

    Args:
        twins: (n,) distance of each real image to the nearest other image of its class.

    Raises:
        ValueError: if there are none, or one is not finite.
    """
    if not len(twins) or not np.isfinite(twins).all():
        raise ValueError(f"expected finite distances of images to others of their class, found {len(twins)} distances")
    return float(np.quantile(twins, QUANTILE))


def support_size(found: Alike, rng: np.random.Generator, batches: int = BATCHES) -> Support:
    """Return two estimates of the support size: by the birthday test (Arora & Zhang, 2017), and from all pairs.

    A batch of s images from N equally likely ones holds two alike with probability 1/2 if s^2 = 2 N ln 2. Here s is the
    median position of the first repetition, over 50 random orders of the images. The share of alike pairs is an
    unbiased estimate of 1/N. Unequal probabilities make both estimates smaller than the true support.

    Args:
        found: which of n independent draws of the model are alike.

    Raises:
        ValueError: for fewer than 2 images.
    """
    n = len(found.degree)
    if n < 2:
        raise ValueError(f"expected at least 2 images, found {n}")
    pairs = n * (n - 1) // 2
    collisions = int(found.degree.sum()) // 2
    if not collisions:  # P(no collision) = exp(-pairs / N) = .05 gives N = pairs / ln 20
        return Support(None, None, None, 0, pairs, pairs / math.log(20))
    firsts = sorted(_first_repetition(found.bits, found.degree > 0, rng.permutation(n)) for _ in range(batches))
    batch = firsts[(batches - 1) // 2]
    return Support(batch, batch**2 / (2 * math.log(2)), pairs / collisions, collisions, pairs, None)


def _first_repetition(alike: np.ndarray, has_twin: np.ndarray, order: np.ndarray) -> int:
    """Return the position, from 1, of the first image in this order that is like an earlier one."""
    places = np.flatnonzero(has_twin[order])  # of the images that have a twin
    length = 64  # places compared first; doubled until a repetition is found
    while True:
        members = order[places[:length]]
        repeats = np.tril(np.unpackbits(alike[members], axis=1, count=len(order))[:, members], -1).any(axis=1)
        if repeats.any():
            return int(places[repeats.argmax()]) + 1
        length *= 2
