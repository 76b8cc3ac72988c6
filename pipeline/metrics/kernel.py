"""Compute the kernel distance: do any moments of the features up to the third differ?"""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import BLURS, Metric
from pipeline.metrics.inputs import check_pair

TILE = 256  # rows and columns of a tile of the kernel matrix, which fits into the cache of a CPU

METRICS = (
    Metric(
        name="kd",
        title="Kernel distance (squared MMD, cubic kernel)",
        question="fidelity",
        space="features",
        better="lower",
        formula=r"\frac{\sum_{i\neq j}k(x_i,x_j)}{n(n-1)}+\frac{\sum_{i\neq j}k(y_i,y_j)}{m(m-1)}"
        r"-\frac{2\sum_{i,j}k(x_i,y_j)}{nm},\quad k(x,y)=\Bigl(\frac{x^\top y}{d}+1\Bigr)^3",
        source="Bińkowski et al., 2018; its variance: Sutherland, 2019",
        sees=(*BLURS, "noise", "threshold", "shift", "half_one_class", "distinct_100", "mean_of_two", "part_noise"),
        blind=("copies",),
    ),
)


@dataclass(frozen=True)
class Discrepancy:
    """Hold the kernel distance and its variance."""

    value: float  # squared MMD; unbiased, so it may be negative
    variance: float  # of the value, over draws of both sets; unbiased, so it may be negative if the sets agree


@dataclass(frozen=True)
class _Sums:
    """Hold the sums of a kernel matrix: by row, by column, and of its squares."""

    rows: np.ndarray
    columns: np.ndarray
    squares: float

    @property
    def total(self) -> float:
        return float(self.rows.sum())


def standardised(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both sets (n, d) and (m, d) divided by one number, so that the mean square of a real feature is 1.

    Raises:
        ValueError: if the real features are all 0, or do not fit the fake ones.
    """
    check_pair(real, fake)
    dtype = _precision(real, fake)
    scale = math.sqrt(np.square(real, dtype=np.float64).mean())
    if scale == 0:
        raise ValueError("expected real features of which some are not 0, found only zeros")
    return (real / scale).astype(dtype), (fake / scale).astype(dtype)


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> Discrepancy:
    """Return the unbiased squared MMD with the cubic kernel (Bińkowski et al., 2018).

    It is computed from all pairs, not from subsets. Features in float32 are multiplied in float32; every sum is in
    float64. The variance is the unbiased estimate of Sutherland (2019, arXiv 1906.02104) for a cross term over all
    pairs, here for sets of any two sizes. Pass `standardised` features: the kernel adds 1 to a mean of products, so
    their scale matters.

    Args:
        real: (n, d) features, n >= 4.
        fake: (m, d) features, m >= 4.

    Raises:
        ValueError: for fewer than 4 samples, unequal d, or values that are not finite.
    """
    check_pair(real, fake, at_least=4)
    dtype = _precision(real, fake)
    x, y = real.astype(dtype), fake.astype(dtype)
    n, m = len(x), len(y)

    # The U statistic: mean kernel within each set, less twice the mean between the sets.
    xx, yy, xy = _sums(x, x), _sums(y, y), _sums(x, y)
    value = xx.total / (n * (n - 1)) + yy.total / (m * (m - 1)) - 2 * xy.total / (n * m)

    # Moments of the cross term. Each is a mean over tuples of distinct samples, which makes it unbiased.
    cross = xy.total**2 - xy.rows @ xy.rows - xy.columns @ xy.columns + xy.squares
    cross /= n * (n - 1) * m * (m - 1)  # (E k(X, Y))^2
    mixed = xy.squares / (n * m) - cross  # Var k(X, Y)
    by_row = (xy.rows @ xy.rows - xy.squares) / (n * m * (m - 1)) - cross  # Var E[k(X, Y) | X]
    by_column = (xy.columns @ xy.columns - xy.squares) / (m * n * (n - 1)) - cross

    # The variance of the U statistic: of its three terms, less the covariances that they share through X and through Y.
    variance = (
        _within(xx, n)
        + _within(yy, m)
        + 4 * ((m - 1) * by_row + (n - 1) * by_column + mixed) / (n * m)
        - 8 / n * _shared(xx, xy.rows, n, m)
        - 8 / m * _shared(yy, xy.columns, m, n)
    )
    return Discrepancy(float(value), float(variance))


def _precision(real: np.ndarray, fake: np.ndarray) -> type[np.floating]:
    """Return the type in which features are multiplied: their own if that is float32, else float64."""
    return np.float32 if real.dtype == fake.dtype == np.float32 else np.float64


def _within(k: _Sums, n: int) -> float:
    """Return the variance of the mean of k(X, X') over pairs of n samples."""
    pairs, triples = n * (n - 1), n * (n - 1) * (n - 2)
    rows = k.rows @ k.rows
    mean = (k.total**2 - 4 * rows + 2 * k.squares) / (triples * (n - 3))  # (E k)^2
    first = (rows - k.squares) / triples - mean  # Var E[k(X, X') | X]
    second = k.squares / pairs - mean  # Var k(X, X')
    return float(2 * (2 * (n - 2) * first + second) / pairs)


def _shared(k: _Sums, cross: np.ndarray, n: int, m: int) -> float:
    """Return Cov(E[k(X, X') | X], E[k(X, Y) | X]); `cross` (n,) holds the sum of k(X, Y) over Y for each X."""
    both = k.rows @ cross
    means = (k.total * cross.sum() - 2 * both) / (n * (n - 1) * (n - 2) * m)
    return float(both / (n * (n - 1) * m) - means)


def _sums(x: np.ndarray, y: np.ndarray) -> _Sums:
    """Return the sums of the kernel matrix of x and y, tile by tile; if y is x, without the diagonal."""
    same = x is y
    left, ones = x / x.dtype.type(x.shape[1]), np.ones(TILE)
    rows, columns, squares = np.zeros(len(x)), np.zeros(len(y)), 0.0
    products, buffers = np.empty(TILE * TILE, x.dtype), np.empty((2, TILE * TILE))
    for top in range(0, len(x), TILE):
        a = left[top : top + TILE]
        # If y is x, only the tiles on and above the diagonal: each also stands for its mirror image.
        for start in range(top if same else 0, len(y), TILE):
            b = y[start : start + TILE]
            shape, size = (len(a), len(b)), len(a) * len(b)
            # One tile of the cubic kernel, (x y / d + 1)^3.
            product = np.matmul(a, b.T, out=products[:size].reshape(shape))
            tile, square = (buffer[:size].reshape(shape) for buffer in buffers)
            np.add(product, 1.0, out=tile)
            tile *= np.square(tile, out=square)
            if same and start == top:
                np.fill_diagonal(tile, 0)
            total = float(np.vdot(tile, tile))
            rows[top : top + TILE] += tile @ ones[: len(b)]
            squares += total
            if not same:
                columns[start : start + TILE] += ones[: len(a)] @ tile
            elif start > top:
                rows[start : start + TILE] += ones[: len(a)] @ tile
                squares += total
    return _Sums(rows, rows if same else columns, squares)
