"""Compute the Vendi score: the effective number of different samples within a class."""

import numpy as np

from pipeline.metrics.base import Metric
from pipeline.metrics.inputs import check_vectors

METRICS = (
    Metric(
        name="vendi_ratio",
        title="Vendi score within classes, over real",
        question="coverage",
        space="features",
        better="closer to real",
        formula=r"\frac{1}{C}\sum_c\frac{\mathrm{VS}(y_c)}{\mathrm{VS}(x_c)},\quad"
        r"\mathrm{VS}=\exp\Bigl(-\sum_i\lambda_i\ln\lambda_i\Bigr),\quad\lambda=\operatorname{eig}\frac{K}{n},"
        r"\quad K_{ij}=\frac{x_i^\top x_j}{\lVert x_i\rVert\lVert x_j\rVert}",
        source="Friedman & Dieng, 2023",
        sees=("distinct_100",),
        blind=("copies", "half_one_class"),
        scale="log",
    ),
)


def vendi_score(features: np.ndarray) -> float:
    """Return exp(-sum l ln l) over the eigenvalues l of K / n, with K the cosine kernel (Friedman & Dieng, 2023).

    The features are not centred. The score is 1 for parallel samples and n for orthogonal ones. It cannot exceed d, and
    grows with n, so compare only sets of equal n and d. Noise raises it.

    Args:
        features: (n, d). The smaller of the n x n and the d x d matrix is used: they have the same eigenvalues above 0.

    Raises:
        ValueError: for samples of zeros, which have no direction, or values that are not finite.
    """
    check_vectors(features, "features")
    x = features.astype(np.float64)
    # Scaling by the largest entry first keeps the squares of huge or tiny features in range.
    x /= np.maximum(np.abs(x).max(axis=1, keepdims=True), np.finfo(float).tiny)
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError(f"expected features with a direction, found only zeros in {(norms == 0).sum()} of {len(x)}")
    x /= norms

    # The entropy of the eigenvalues of K / n; those of x x^T and of x^T x above 0 are the same.
    n, d = x.shape
    values = np.linalg.eigvalsh((x.T @ x if n > d else x @ x.T) / n)
    values = values[values > np.finfo(float).eps]
    return float(np.exp(-(values * np.log(values)).sum()))


def vendi_by_class(features: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """Return the score of each class among `labels` (n,), which belong to the rows of `features` (n, d).

    Raises:
        ValueError: as for `vendi_score`, and for unequal lengths.
    """
    if labels.shape != features.shape[:1]:
        raise ValueError(f"expected one label for each of {len(features)} samples, found {labels.shape}")
    return {int(label): vendi_score(features[labels == label]) for label in np.unique(labels)}


def vendi_ratio(fake: dict[int, float], real: dict[int, float]) -> float:
    """Return the mean ratio of the scores over the real classes; a class without fakes counts as 0.

    Raises:
        ValueError: if there are no real classes.
    """
    if not real:
        raise ValueError("expected the score of at least one real class, found none")
    return float(np.mean([fake.get(label, 0.0) / score for label, score in real.items()]))
