"""Divide feature space into cells by k-means."""

import warnings

import numpy as np

from pipeline.metrics.distances import nearest
from pipeline.metrics.inputs import TooFew


def k_means(x: np.ndarray, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of one run of mini-batch k-means (Sculley, 2010), and the cell of each sample.

    If there are fewer distinct points than centres, some cells stay empty.

    Args:
        x: (n, d) samples.

    Returns:
        Centres (count, d) in float32, and the index (n,) of the cell of each sample.

    Raises:
        TooFew: for fewer samples than centres.
    """
    if len(x) < count:
        raise TooFew(f"k-means: expected at least as many samples as cells, {count}, found {len(x)}")
    from sklearn.cluster import MiniBatchKMeans  # slow to import, and rarely needed by those who import the metrics
    from sklearn.exceptions import ConvergenceWarning

    seed = int(rng.integers(2**31))
    model = MiniBatchKMeans(count, n_init=1, random_state=seed)  # pyright: ignore[reportArgumentType]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x.astype(np.float32))
    return np.asarray(model.cluster_centers_), np.asarray(model.labels_)


def cells(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the index (n,) of the centre nearest to each of n samples: the first of equally near ones."""
    return nearest(x, centres)[0]
