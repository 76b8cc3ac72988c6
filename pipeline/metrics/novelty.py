"""Test whether samples are new or repeat training images."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.metrics import distances
from pipeline.metrics.base import Metric
from pipeline.metrics.inputs import TooFew, check_pair, check_vectors

CELLS = 10  # of k-means on the training samples
FEWEST = 20  # fakes in a cell, for it to count

METRICS = (
    Metric(
        name="copying",
        title="Copying test C_T (z score)",
        question="novelty",
        space="pixels",
        better=0.0,
        formula=r"C_T=\frac{\sum_\pi P(\pi)\,Z_U(d(Q_\pi),d(P_\pi))}{\sum_\pi P(\pi)},"
        r"\quad d(x)=\min_{t\in T}\lVert x-t\rVert",
        source="Meehan et al., 2020",
        sees=("copies", "blur", "pca_20", "noise", "threshold", "shift", "mean_of_two"),
        blind=("distinct_1000",),
        role="test",
    ),
    Metric(
        name="authenticity",
        title="Authenticity",
        question="novelty",
        space="pixels",
        better="closer to real",
        formula=r"\frac{1}{m}\sum_j 1\bigl[\lVert y_j-t_j\rVert>\min_{t\neq t_j}\lVert t-t_j\rVert\bigr],"
        r"\quad t_j=\mathrm{NN}_T(y_j)",
        source="Alaa et al., 2022",
        sees=("copies", "blur", "pca_50", "pca_20", "noise", "threshold", "shift", "mean_of_two"),
        blind=("missing_class",),
        role="test",
    ),
)


@dataclass(frozen=True)
class Nearest:
    """Hold the nearest training sample of each of m samples."""

    index: np.ndarray  # (m,) of the nearest training sample
    distance: np.ndarray  # (m,) to it


def nearest_training(train: np.ndarray, samples: np.ndarray) -> Nearest:
    """Return the nearest of the training samples (n, d) to each sample (m, d).

    Raises:
        ValueError: for unequal d, or values that are not finite.
    """
    check_vectors(train, "train")
    check_pair(train, samples)
    return Nearest(*distances.nearest(samples, train))


def own_distances(train: np.ndarray) -> np.ndarray:
    """Return the distance of each training sample (n, d) to the nearest other one: (n,).

    Raises:
        ValueError: for fewer than 2 samples, or values that are not finite.
    """
    check_vectors(train, "train", at_least=2)
    return distances.own_distances(train)


def authenticity(fakes: Nearest, own: np.ndarray) -> float:
    """Return the share of fakes y with |y - t| > min |t' - t|, t the training sample nearest to y, t' any other.

    After Alaa et al. (2022). Low means copying. Samples of the true distribution do not score 1/2, so read it beside
    the score of real test images. A copy of a training sample that has a twin is not authentic either.

    Args:
        fakes: the nearest training sample t of each fake y.
        own: (n,) min |t' - t| for each training sample, from `own_distances`.
    """
    return float((fakes.distance > own[fakes.index]).mean())


def copying(test: np.ndarray, test_cells: np.ndarray, fake: np.ndarray, fake_cells: np.ndarray) -> float:
    """Return the data-copying test C_T (Meehan et al., 2020): the mean z score over cells, weighted by test samples.

    Cells with fewer than 20 fakes are left out, as are cells without test samples. Far below 0, fakes are nearer to the
    training set than unseen real data are. Far above 0, they are farther away.

    Args:
        test: (n,) distances of real test samples to the training set.
        test_cells: (n,) the k-means cell of each, from cells of the training set.
        fake: (m,) distances of fakes to the training set.
        fake_cells: (m,) the cell of each fake.

    Raises:
        TooFew: if no cell is left.
        ValueError: if a distance is not finite.
    """
    if not (np.isfinite(test).all() and np.isfinite(fake).all()):
        raise ValueError("expected finite distances, found others")
    # Within each cell, a Mann-Whitney test of the fakes' distances against those of the test samples.
    weights, scores = [], []
    for cell in np.unique(test_cells):
        p, q = test[test_cells == cell], fake[fake_cells == cell]
        if len(q) >= FEWEST:
            weights.append(len(p))
            scores.append(rank_z(q, p))
    if not weights:
        raise TooFew(f"C_T: expected a cell with test samples and at least {FEWEST} fakes, found none")
    return float(np.average(scores, weights=weights))


def rank_z(x: np.ndarray, y: np.ndarray) -> float:
    """Return the tie-corrected z score of the Mann-Whitney statistic: below 0 if x (n,) tends to be below y (m,)."""
    n, m = len(x), len(y)
    both = np.concatenate([x, y])
    ranks = pd.Series(both).rank().to_numpy()
    ties = np.unique(both, return_counts=True)[1].astype(float)
    u = ranks[:n].sum() - n * (n + 1) / 2
    variance = n * m / 12 * (n + m + 1 - (ties**3 - ties).sum() / ((n + m) * (n + m - 1)))
    return float((u - n * m / 2) / np.sqrt(variance)) if variance > 0 else 0.0
