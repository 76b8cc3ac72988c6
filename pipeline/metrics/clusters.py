"""Cutting feature space into cells by k-means."""

import warnings

import numpy as np

from pipeline.metrics.distances import nearest
from pipeline.metrics.inputs import TooFew


def centres(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """The centres (count, d) of one run of k-means, float32.

    Fewer distinct points than centres are no fault: some cells stay empty then.

    Raises:
        TooFew: for fewer samples than centres.
    """
    if len(x) < count:
        raise TooFew(f"k-means: expected at least as many samples as cells, {count}, found {len(x)}")
    from sklearn.cluster import KMeans  # slow to import, and most that import the metrics cut no cells
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(count, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x.astype(np.float32)).cluster_centers_


def cells(x: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Which centre is nearest to each of n samples: (n,), the first of equally near ones."""
    return nearest(x, centres)[0]
