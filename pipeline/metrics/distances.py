"""Compute Euclidean distances, a block at a time."""

from collections.abc import Iterator

import numpy as np

BLOCK = 4_000_000  # distances held at once: 32 MB
TILE = 512  # points on each side of a tile, whose distances fit into the cache of a CPU
DUPLICATE = 1e-12  # squared distances below this share of the squared norms are rounding errors and count as 0
DUPLICATE_OF = {np.float64: DUPLICATE, np.float32: 1e-6}
WIDE = 64  # from this many dimensions on, the nearest point is searched for in float32


def blocks(x: np.ndarray, y: np.ndarray | None = None, dtype: type = np.float64) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the squared distances of the rows of `x` to all of `y`, some rows at a time.

    They are |x|^2 - 2 xy + |y|^2 with the mean of `y` as the origin, where the rounding error is least. In float64, two
    points nearer than a millionth of their distance from that mean are duplicates: their distance is exactly 0.

    Args:
        x: (n, d) finite numbers.
        y: (m, d) finite numbers. Without it, `x` is compared with itself, and the distance of a point to itself is
            infinite.
        dtype: of the arithmetic. In float32, a few of 10^8 comparisons with a radius are wrong.

    Yields:
        The slice of rows of `x`, and their distances (rows, m). The next block overwrites this array.
    """
    left, right = _sides(x, y, dtype)
    step = max(1, BLOCK // max(right.shape))
    buffer = np.empty((min(step, len(x)), len(right)), dtype)
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        norms, other_norms = left[rows, -1:], right[:, -2]
        squared = np.matmul(left[rows], right.T, out=buffer[: rows.stop - start])
        if squared.min() < DUPLICATE * (norms.max() + other_norms.max()):
            squared[squared < DUPLICATE * (norms + other_norms)] = 0  # as are those below 0
        if y is None:
            np.fill_diagonal(squared[:, start:], np.inf)
        yield rows, squared


def _extended(x: np.ndarray, centre: np.ndarray, dtype: type) -> np.ndarray:
    """Return the centred points with two more columns: (x, 1, |x|^2)."""
    out = np.ones((len(x), len(centre) + 2), dtype)
    np.subtract(x, centre, out=out[:, :-2], casting="same_kind")
    out[:, -1] = np.einsum("ij,ij->i", out[:, :-2], out[:, :-2])
    return out


def nearest(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest point of `y` (m, d) to each point of `x` (n, d): its index (n,) and its distance (n,).

    The first of several equally near points is taken. From 64 dimensions on, the search is in float32. Then any of the
    points may be found whose squared distances agree within about 1e-6 of the squared norms. The distance returned is
    that of the point found, in float64.
    """
    best, indices = np.full(len(x), np.inf), np.zeros(len(x), dtype=np.int64)
    for rows, columns, squared in tiles(x, y, search_type(x)):
        places = squared.argmin(axis=1)
        found = squared[np.arange(len(squared)), places]
        nearer = found < best[rows]
        best[rows] = np.where(nearer, found, best[rows])
        indices[rows] = np.where(nearer, places + columns.start, indices[rows])
    return indices, np.sqrt(between(x, y[indices]))


def own_distances(x: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of each of at least two points (n, d) to the nearest other one.

    From 64 dimensions on, the arithmetic is in float32. A squared distance is then exact to about 1e-6 of the squared
    norms, and a smaller one counts as 0.
    """
    dtype = search_type(x)
    least = np.full(len(x), np.inf, dtype)
    for rows, columns, squared in tiles(x, None, dtype):
        # A tile above the diagonal holds distances for its rows and for its columns.
        if rows.start == columns.start:
            np.fill_diagonal(squared, np.inf)
        least[rows] = np.minimum(least[rows], squared.min(axis=1))
        least[columns] = np.minimum(least[columns], squared.min(axis=0))
    norms = between(x, x.mean(axis=0, dtype=np.float64)[None])
    return np.sqrt(np.where(least < DUPLICATE_OF[dtype] * norms, 0, least).astype(np.float64))


def tiles(x: np.ndarray, y: np.ndarray | None, dtype: type) -> Iterator[tuple[slice, slice, np.ndarray]]:
    """Yield the squared distances of points of `x` (n, d) to points of `y` (m, d), a tile at a time.

    Without `y`, these are distances within `x`, and only the tiles on and above the diagonal: each pair is in one tile.

    Yields:
        Two slices, and the distances (rows, columns). The next tile overwrites this array.
    """
    left, right = _sides(x, y, dtype)
    buffer = np.empty(TILE * TILE, dtype)
    for top in range(0, len(x), TILE):
        rows = slice(top, min(top + TILE, len(x)))
        for start in range(top if y is None else 0, len(right), TILE):
            columns = slice(start, min(start + TILE, len(right)))
            shape = (rows.stop - top, columns.stop - start)
            out = buffer[: shape[0] * shape[1]].reshape(shape)
            yield rows, columns, np.matmul(left[rows], right[columns].T, out=out)


def between(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the squared distances (n,) of the rows of `x` (n, d) to those of `y` (n, d) or (1, d), in float64."""
    found = np.empty(len(x))
    for start in range(0, len(x), TILE):
        rows = slice(start, start + TILE)
        gaps = x[rows].astype(np.float64) - (y[rows] if len(y) > 1 else y)
        found[rows] = np.einsum("ij,ij->i", gaps, gaps)
    return found


def search_type(x: np.ndarray) -> type:
    """Return the type in which the nearest point is searched for."""
    return np.float32 if x.shape[1] >= WIDE else np.float64


def _sides(x: np.ndarray, y: np.ndarray | None, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Return (-2x, 1, |x|^2), (n, d + 2), and (y, |y|^2, 1), (m, d + 2): their products are squared distances.

    The origin is the mean of `y`, or of `x` if there is no `y`.
    """
    other = x if y is None else y
    centre = other.mean(axis=0, dtype=np.float64)
    left, right = _extended(x, centre, dtype), _extended(other, centre, dtype)
    left[:, :-2] *= -2
    right[:, -2:] = right[:, :-3:-1]  # from (1, |y|^2) to (|y|^2, 1)
    return left, right
