"""Compare real and fake samples bin by bin (NDB): which parts of the data hold too many fakes, or too few?"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from pipeline.metrics.base import REPEATS, Metric
from pipeline.metrics.clusters import cells, k_means
from pipeline.metrics.inputs import check_pair, check_vectors
from pipeline.metrics.labels import jensen_shannon

BINS, LEVEL = 100, 0.05  # Richardson & Weiss, 2018

METRICS = (
    Metric(
        name="ndb",
        title="Share of statistically different bins",
        question="coverage",
        space="pixels",
        better="lower",
        formula=r"\frac{1}{K}\sum_b 1\left[\frac{|p_b-q_b|}{\sqrt{\bar p_b(1-\bar p_b)(1/n+1/m)}}>z_{0.975}\right]",
        source="Richardson & Weiss, 2018",
        sees=("shift", "half_one_class", "distinct_100"),
        blind=("copies", "blur_slight", "pca_50", "noise", "threshold", "part_noise"),
    ),
    Metric(
        name="bins_js",
        title="Jensen-Shannon divergence of the bins (nats)",
        question="coverage",
        space="pixels",
        better="lower",
        formula=r"\frac{1}{2}\mathrm{KL}\Bigl(p\Bigm\|\frac{p+q}{2}\Bigr)+\frac{1}{2}\mathrm{KL}\Bigl(q\Bigm\|\frac{p+q}{2}\Bigr)",
        source="Richardson & Weiss, 2018",
        sees=("shift", "missing_class", "half_one_class", *REPEATS, "mean_of_two"),
        blind=("copies", "blur_slight", "pca_50", "noise", "threshold"),
    ),
)


@dataclass(frozen=True)
class Bins:
    """Hold the k-means bins of the training samples."""

    centres: np.ndarray  # (bins, d)
    counts: np.ndarray  # (bins,) of the training samples


@dataclass(frozen=True)
class BinTest:
    """Hold the z test of each bin, and two scores over all bins."""

    different: float  # the share of bins whose z is significant at the level
    divergence: float  # Jensen-Shannon, nats
    z: np.ndarray  # (bins,) of the difference of two proportions; above 0 for too many fakes
    train: np.ndarray  # (bins,) shares
    fake: np.ndarray  # (bins,) shares


def fit_bins(train: np.ndarray, rng: np.random.Generator, count: int = BINS) -> Bins:
    """Return the k-means bins of the training samples (n, d), with the number of samples in each.

    Raises:
        ValueError: for fewer samples than bins, or values that are not finite.
    """
    check_vectors(train, "train")
    centres, cell = k_means(train, count, rng)
    return Bins(centres, np.bincount(cell, minlength=count))


def compare_bins(bins: Bins, fake: np.ndarray, level: float = LEVEL) -> BinTest:
    """Return the two-proportion z test of each bin (Richardson & Weiss, 2018, eq. 5).

    A bin that is empty on both sides has z = 0. For equal distributions, a share `level` of the bins differs by chance.

    Args:
        fake: (m, d) samples in the space of the bins.

    Raises:
        ValueError: for unequal d, or values that are not finite.
    """
    check_pair(bins.centres, fake)
    return compare_counts(bins.counts, np.bincount(cells(fake, bins.centres), minlength=len(bins.counts)), level)


def compare_counts(train: np.ndarray, fake: np.ndarray, level: float = LEVEL) -> BinTest:
    """Return the z test of each bin from the counts (bins,) of both sides."""
    n, m = train.sum(), fake.sum()
    p, q, pooled = train / n, fake / m, (train + fake) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(q - p, error, out=np.zeros(len(p)), where=error > 0)
    return BinTest(float((np.abs(z) > ndtri(1 - level / 2)).mean()), jensen_shannon(p, q), z, p, q)
