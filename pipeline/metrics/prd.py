"""Compute the precision-recall curve of distributions (PRD): how much of each lies where the other does?"""

from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import Metric
from pipeline.metrics.clusters import k_means
from pipeline.metrics.inputs import check_equal_counts, check_pair, check_shares

CLUSTERS, RUNS, ANGLES = 20, 10, 1001  # Sajjadi et al., 2018

CURVE = r"\alpha_\lambda=\sum_\omega\min(\lambda P_\omega,Q_\omega),\quad\beta_\lambda=\frac{\alpha_\lambda}{\lambda}"
METRICS = (
    Metric(
        name="prd_precision",
        title="Precision of the PRD curve (F at 1/8)",
        question="fidelity",
        space="features",
        better="higher",
        formula=rf"F_{{1/8}}=\max_\lambda\frac{{(1+1/64)\alpha_\lambda\beta_\lambda}}{{\alpha_\lambda/64+\beta_\lambda}},\quad{CURVE}",
        source="Sajjadi et al., 2018",
        sees=("blur", "pca_20", "shift", "half_one_class", "distinct_100", "mean_of_two", "part_noise"),
        blind=("copies", "missing_class", "distinct_1000"),
    ),
    Metric(
        name="prd_recall",
        title="Recall of the PRD curve (F at 8)",
        question="coverage",
        space="features",
        better="higher",
        formula=rf"F_8=\max_\lambda\frac{{65\alpha_\lambda\beta_\lambda}}{{64\alpha_\lambda+\beta_\lambda}},\quad{CURVE}",
        source="Sajjadi et al., 2018",
        sees=("blur", "pca_20", "shift", "half_one_class", "distinct_100", "mean_of_two"),
        blind=("copies", "part_noise"),
    ),
)


@dataclass(frozen=True)
class Curve:
    """Hold the precision and the recall at each angle, from full recall to full precision."""

    precision: np.ndarray  # (angles,)
    recall: np.ndarray  # (angles,)

    def f(self, beta: float) -> float:
        """Return the largest F score along the curve; `beta` = 8 favours recall, 1/8 precision."""
        weighted = beta**2 * self.precision + self.recall
        product = (1 + beta**2) * self.precision * self.recall
        return float(np.divide(product, weighted, out=np.zeros_like(product), where=weighted > 0).max())


def curve_of_shares(real: np.ndarray, fake: np.ndarray) -> Curve:
    """Return the exact curve of two discrete distributions (states,), at equally spaced angles.

    After Sajjadi et al. (2018, eq. 5).

    Raises:
        ValueError: for unequal numbers of states, or shares that are not a distribution.
    """
    check_shares(real, "real shares")
    check_shares(fake, "fake shares")
    if real.shape != fake.shape or real.ndim != 1:
        raise ValueError(f"expected two arrays (states,) of equal length, found {real.shape} and {fake.shape}")
    # Precision sum min(slope P, Q) and recall sum min(P, Q / slope), which rounding must not raise above 1.
    edge = 1e-6
    slopes = np.tan(np.linspace(edge, np.pi / 2 - edge, ANGLES))
    precision = np.minimum(slopes[:, None] * real, fake).sum(axis=1)
    return Curve(np.minimum(precision, 1), np.minimum(precision / slopes, 1))


def prd(real: np.ndarray, fake: np.ndarray, rng: np.random.Generator, clusters: int = CLUSTERS) -> Curve:
    """Return the curve of two sets of features over k-means cells of their union, as a mean over 10 runs.

    Each run is mini-batch k-means, as in the paper.

    Args:
        real: (n, d) features.
        fake: (n, d) features, the same number.

    Raises:
        ValueError: for unequal sets, fewer samples than cells, or values that are not finite.
    """
    check_pair(real, fake)
    check_equal_counts(len(real), len(fake), "the PRD curve")
    both, curves = np.concatenate([real, fake]).astype(np.float32), []
    for _ in range(RUNS):
        _, cell = k_means(both, clusters, rng)
        shares = [np.bincount(c, minlength=clusters) / len(real) for c in (cell[: len(real)], cell[len(real) :])]
        curves.append(curve_of_shares(*shares))
    return Curve(np.mean([c.precision for c in curves], axis=0), np.mean([c.recall for c in curves], axis=0))
