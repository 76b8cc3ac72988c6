"""Compute precision, recall, density and coverage: which samples lie in balls around which others?

A ball around a sample reaches to its k-th nearest neighbour in its own set, the sample itself not counted. It is open,
as in the code of Naeem et al. (prdc): a point at exactly the radius is outside. Two exceptions handle duplicates. If
squared distance and squared radius differ by less than 1e-8 of the latter, the point is outside, whatever the rounding.
And a ball always holds exact copies of its centre, even if k duplicates make its radius 0. On continuous data, neither
occurs.
"""

from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import BLURS, REPEATS, Metric
from pipeline.metrics.distances import DUPLICATE, between, blocks, search_type
from pipeline.metrics.inputs import check_pair

TIE = 1e-8  # squared distances that differ by less than this share count as equal
TINY = np.finfo(float).tiny
SPARE = 4  # candidates beyond the k nearest, because float32 may confuse points at nearly equal distances

METRICS = (
    Metric(
        name="precision",
        title="Precision",
        question="fidelity",
        space="features",
        better="higher",
        formula=r"\frac{1}{m}\sum_j 1\Bigl[y_j\in\bigcup_i B(x_i,r_i)\Bigr]",
        source="Kynkäänniemi et al., 2019",
        sees=("threshold", "shift", "part_noise"),
        blind=("missing_class", "half_one_class", "distinct_1000"),
        prefers=("blur", "pca_50", "distinct_100"),
    ),
    Metric(
        name="recall",
        title="Recall",
        question="coverage",
        space="features",
        better="higher",
        formula=r"\frac{1}{n}\sum_i 1\Bigl[x_i\in\bigcup_j B(y_j,s_j)\Bigr]",
        source="Kynkäänniemi et al., 2019",
        sees=(*BLURS, "shift", *REPEATS, "mean_of_two"),
        blind=("copies", "half_one_class", "part_noise"),
    ),
    Metric(
        name="density",
        title="Density",
        question="fidelity",
        space="features",
        better=1.0,
        formula=r"\frac{1}{km}\sum_j\sum_i 1[y_j\in B(x_i,r_i)]",
        source="Naeem et al., 2020",
        sees=("pca_50", "noise", "threshold", "shift", "mean_of_two"),
        blind=("copies", "half_one_class", "distinct_1000"),
        role="description",
    ),
    Metric(
        name="coverage",
        title="Coverage",
        question="coverage",
        space="features",
        better="higher",
        formula=r"\frac{1}{n}\sum_i 1[\exists j: y_j\in B(x_i,r_i)]",
        source="Naeem et al., 2020",
        sees=("blur", "pca_50", "pca_20", "threshold", "shift", "half_one_class", *REPEATS, "mean_of_two"),
        blind=("copies", "part_noise"),
    ),
)


@dataclass(frozen=True)
class Neighbourhoods:
    """Hold which balls of n real and m fake samples hold which samples, and the nearest distances."""

    k: int
    fakes_in_ball: np.ndarray  # (n,) the number of fakes in the ball of each real sample
    balls_around_fake: np.ndarray  # (m,) the number of balls of real samples that hold each fake
    clipped_around_fake: np.ndarray  # (m,) the same, radii clipped at the median radius
    clipped_around_real: np.ndarray  # (n,) the number of clipped balls of other real samples that hold each real sample
    recalled: np.ndarray  # (n,) bool: does the ball of some fake hold the real sample?
    real_to_real: np.ndarray  # (n,) distance to the nearest other real sample
    real_to_fake: np.ndarray  # (n,) distance to the nearest fake
    fake_to_fake: np.ndarray  # (m,) distance to the nearest other fake
    fake_to_real: np.ndarray  # (m,) distance to the nearest real sample


def neighbourhoods(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Neighbourhoods:
    """Return the neighbourhoods of real and fake samples, from one pass over the distances between the sets.

    Args:
        real: (n, d) features.
        fake: (m, d) features.
        k: the radius of a ball is the distance to the k-th neighbour.

    Raises:
        ValueError: for k < 1, fewer than k + 1 samples in a set, unequal d, or values that are not finite.
    """
    if k < 1:
        raise ValueError(f"expected k of at least 1, found {k}")
    check_pair(real, fake, at_least=k + 1)
    n, m = len(real), len(fake)

    # Balls around real samples, with full and with clipped radii, and balls around fakes.
    neighbours, squared = nearest_others(real, k)
    _, fake_squared = nearest_others(fake, k)
    radii, median = np.sqrt(squared[:, -1]), np.median(np.sqrt(squared[:, -1]))
    reach, clipped_reach = _open(squared[:, -1]), _open(np.minimum(radii, median) ** 2)
    fake_reach = _open(fake_squared[:, -1])

    # For each sample: how many balls of the other set hold it, and its distance to the other set.
    fakes_in_ball, recalled, real_to_fake = np.empty(n, int), np.empty(n, bool), np.empty(n)
    balls, clipped, fake_to_real = np.zeros(m, int), np.zeros(m, int), np.full(m, np.inf)
    for rows, block in blocks(real, fake):
        inside = block < reach[rows, None]
        fakes_in_ball[rows] = np.count_nonzero(inside, axis=1)
        balls += np.count_nonzero(inside, axis=0)
        clipped += np.count_nonzero(block < clipped_reach[rows, None], axis=0)
        recalled[rows] = (block < fake_reach).any(axis=1)
        real_to_fake[rows] = block.min(axis=1)
        np.minimum(fake_to_real, block.min(axis=0), out=fake_to_real)

    # Clipped balls among the real samples. A ball holds the neighbour at its radius here, so without clipping a real
    # sample lies in k balls on average, as a new sample from the same distribution does.
    held = neighbours[squared <= median**2 * (1 + TIE)]
    return Neighbourhoods(
        k=k,
        fakes_in_ball=fakes_in_ball,
        balls_around_fake=balls,
        clipped_around_fake=clipped,
        clipped_around_real=np.bincount(held, minlength=n),
        recalled=recalled,
        real_to_real=np.sqrt(squared[:, 0]),
        real_to_fake=np.sqrt(real_to_fake),
        fake_to_fake=np.sqrt(fake_squared[:, 0]),
        fake_to_real=np.sqrt(fake_to_real),
    )


def nearest_others(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest other points of each point, nearest first: indices and squared distances, (n, k) both.

    The search is in the type that `nearest` uses, and finds a few candidates more than k. Their distances are then
    computed in float64, and the k nearest are kept.
    """
    indices, squared = np.empty((len(x), k), dtype=np.int64), np.empty((len(x), k))
    candidates = min(k + SPARE, len(x) - 1)
    scale = between(x, x.mean(axis=0, dtype=np.float64)[None])
    for rows, block in blocks(x, dtype=search_type(x)):
        # All points as near as the last candidate: more than `candidates` if some are equally near.
        last = np.partition(block, candidates - 1, axis=1)[:, candidates - 1 : candidates]
        row, near = np.nonzero(block <= last)
        values = between(x[rows][row], x[near])
        values[values < DUPLICATE * (scale[rows][row] + scale[near])] = 0
        # Candidates sorted by row, then by distance; the first k of each row are its neighbours.
        order = np.lexsort((near, values, row))
        chosen = order[np.searchsorted(row, np.arange(len(block)))[:, None] + np.arange(k)]
        indices[rows], squared[rows] = near[chosen], values[chosen]
    return indices, squared


def _open(squared_radius: np.ndarray) -> np.ndarray:
    """Return the bound on squared distances inside an open ball; 0 is always below it."""
    return np.maximum(squared_radius * (1 - TIE), TINY)


def precision(found: Neighbourhoods) -> float:
    """Return the share of fakes in the ball of some real sample (Kynkäänniemi et al., 2019)."""
    return float((found.balls_around_fake > 0).mean())


def recall(found: Neighbourhoods) -> float:
    """Return the share of real samples in the ball of some fake (Kynkäänniemi et al., 2019)."""
    return float(found.recalled.mean())


def density(found: Neighbourhoods) -> float:
    """Return the mean number of balls of real samples that hold a fake, divided by k (Naeem et al., 2020).

    Its mean is 1 for equal distributions. Above 1, the fakes crowd where real samples are dense, which is not better.
    """
    return float(found.balls_around_fake.mean() / found.k)


def coverage(found: Neighbourhoods) -> float:
    """Return the share of real samples whose ball holds some fake (Naeem et al., 2020)."""
    return float((found.fakes_in_ball > 0).mean())
