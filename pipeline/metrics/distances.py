"""Euclidean distances, a block at a time."""

from collections.abc import Iterator

import numpy as np

BLOCK = 4_000_000  # distances held at once: 32 MB
DUPLICATE = 1e-12  # squared distances below this share of the squared norms are rounding, and count as 0
WIDE = 64  # from so many dimensions on the nearest point is searched for in float32


def blocks(x: np.ndarray, y: np.ndarray | None = None, dtype: type = np.float64) -> Iterator[tuple[slice, np.ndarray]]:
    """The squared distances of some rows of `x` to all of `y`; each is computed once.

    They are |x|^2 - 2 xy + |y|^2, from one matrix product around the mean of `y`, where least is lost. In float64 two
    points nearer than a millionth of their distance from that mean are duplicates: their distance is exactly 0.

    Args:
        x: (n, d) finite numbers.
        y: (m, d) finite numbers. Without it `x` is compared with itself, and no point with itself: the diagonal is
            infinite.
        dtype: of the arithmetic. In float32 some of 10^8 comparisons with a radius come out wrong.

    Yields:
        Which rows of `x`, and their distances (rows, m). The array is used again for the next block.
    """
    other = x if y is None else y
    centre = other.mean(axis=0, dtype=np.float64)
    columns = _extended(other, centre, dtype)
    columns[:, -2:] = columns[:, :-3:-1]  # a norm meets a 1 on the other side
    step = max(1, BLOCK // max(columns.shape))
    buffer = np.empty((min(step, len(x)), len(other)), dtype)
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        part = _extended(x[rows], centre, dtype)
        norms = part[:, -1:]
        part[:, :-2] *= -2
        squared = np.matmul(part, columns.T, out=buffer[: len(part)])
        if squared.min() < DUPLICATE * (norms.max() + columns[:, -2].max()):
            squared[squared < DUPLICATE * (norms + columns[:, -2])] = 0  # below 0 by rounding too
        if y is None:
            np.fill_diagonal(squared[:, start:], np.inf)
        yield rows, squared


def _extended(x: np.ndarray, centre: np.ndarray, dtype: type) -> np.ndarray:
    """Centred points with two columns more: 1 and the squared norm."""
    out = np.ones((len(x), len(centre) + 2), dtype)
    np.subtract(x, centre, out=out[:, :-2], casting="same_kind")
    out[:, -1] = np.einsum("ij,ij->i", out[:, :-2], out[:, :-2])
    return out


def nearest(
    x: np.ndarray, y: np.ndarray | None = None, skip: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest point of `y` (m, d) to each point of `x` (n, d): its index (n,) and its distance (n,).

    Without `y` it is the nearest other point of `x`. The first of several equally near ones is taken. From 64
    dimensions on the search is in float32, so that of points whose squared distances agree within about 1e-6 of the
    squared norms any may be found; the distance is that of the point found, in float64.

    Args:
        skip: (n,) for each point of `x` an index of `y` that does not count.
    """
    other, dtype = x if y is None else y, np.float32 if x.shape[1] >= WIDE else np.float64
    indices, distances = np.empty(len(x), dtype=np.int64), np.empty(len(x))
    for rows, squared in blocks(x, y, dtype):
        if skip is not None:
            squared[np.arange(len(squared)), skip[rows]] = np.inf
        indices[rows] = squared.argmin(axis=1)
        gaps = x[rows].astype(np.float64) - other[indices[rows]]
        distances[rows] = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    return indices, distances
