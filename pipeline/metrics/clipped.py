"""Compute clipped density and coverage: which share of good samples would score the same?

After Salvy, Talbot & Thirion (2026), derived anew from the definitions. Clipping limits the weight of single samples
and of wide balls. Both scores read as shares of good samples.
"""

import numpy as np

from pipeline.metrics.base import REPEATS, Metric
from pipeline.metrics.neighbours import Neighbourhoods

METRICS = (
    Metric(
        name="clipped_density",
        title="Clipped density",
        question="fidelity",
        space="features",
        better="higher",
        formula=r"\min\Bigl(1,\frac{D(y)}{D(x)}\Bigr),\quad"
        r" D(y)=\frac{1}{m}\sum_j\min\Bigl(1,\frac{1}{k}\sum_i 1[y_j\in B(x_i,\min(r_i,\tilde r))]\Bigr)",
        source="Salvy et al., 2026",
        sees=("blur", "threshold", "shift", "mean_of_two", "part_noise"),
    ),
    Metric(
        name="clipped_coverage",
        title="Clipped coverage",
        question="coverage",
        space="features",
        better="higher",
        formula=r"f^{-1}\Bigl(\frac{1}{nk}\sum_i\min\bigl(k,\#\{j:y_j\in B(x_i,r_i)\}\bigr)\Bigr),\quad"
        r" f(q)=E[\,\cdot\mid q\,m\text{ good samples}]",
        source="Salvy et al., 2026",
        sees=("blur", "pca_50", "pca_20", "threshold", "shift", "half_one_class", *REPEATS, "mean_of_two"),
        blind=("copies",),
        role="primary",
    ),
)


def clipped_density(found: Neighbourhoods) -> float:
    """Return min(1, D(fake) / D(real)): density with clipped radii and counts (Salvy et al., 2026).

    D is the mean of min(1, count / k) over samples. The count of a sample is the number of real balls that hold it,
    with radii clipped at their median. Equal distributions score 1. Noise in place of a share q of the samples gives
    1 - q.
    """

    def clipped(counts: np.ndarray) -> float:
        return float(np.minimum(counts, found.k).mean())

    return min(1.0, clipped(found.clipped_around_fake) / clipped(found.clipped_around_real))


def clipped_coverage(found: Neighbourhoods) -> float:
    """Return the share of good samples that would cover the balls of real samples as these do; at most 1.

    After Salvy et al. (2026): each ball counts as min(k, fakes in it) / k. The mean over balls is inverted through
    `expected_clipped_coverage`. Equal distributions score slightly below 1, as the cap removes noise above 1: by about
    .016 for n = m = 2000, less for more samples, more for m far above n.
    """
    n, m = len(found.fakes_in_ball), len(found.balls_around_fake)
    # f(q) for each possible number of good fakes, q m = 0 ... m. It increases, so its inverse is an interpolation.
    expected = expected_clipped_coverage(n, np.arange(m + 1), found.k)
    return float(np.interp(np.minimum(found.fakes_in_ball, found.k).mean() / found.k, expected, np.arange(m + 1) / m))


def expected_clipped_coverage(n: int, good: np.ndarray, k: int) -> np.ndarray:
    """Return E[min(k, fakes in a ball) / k] if `good` fakes follow the real distribution and the others lie in no ball.

    The number of fakes nearer than the k-th of n - 1 real neighbours has a negative hypergeometric distribution.
    """
    i = np.arange(1, k + 1)
    probability = np.prod((n - i) / (n + good[:, None] - i), axis=1)  # of no fake in the ball
    # E[max(0, k - fakes)] = sum of (k - count) P(count) over count < k. Each P(count + 1) follows from P(count).
    missing = np.zeros(len(good))
    for count in range(k):
        missing += (k - count) * probability
        probability = probability * (count + k) / (count + 1) * (good - count) / np.maximum(good + n - 1 - k - count, 1)
        probability = np.maximum(probability, 0)
    return 1 - missing / k
