"""Compute distances between images in integers, as pixels are: exact, and faster than floats on a CPU.

The squared distance is |x|^2 + |y|^2 - 2 xy. Its products are of integers from -128 to 127, for which processors have
instructions.
"""

import numpy as np
import torch

from pipeline.metrics.birthday import Alike
from pipeline.metrics.novelty import Nearest

BLOCK = 250  # images compared at once


class Products:
    """Multiply blocks of images in one buffer: allocating memory would take as long as the arithmetic."""

    def __init__(self, rows: int, columns: int) -> None:
        self.buffer = torch.empty(min(BLOCK, rows) * columns, dtype=torch.int32)

    def of(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the products (a, b) int32 of vectors (a, d) and (b, d) int8; the next call overwrites them."""
        out = self.buffer[: len(x) * len(y)].view(len(x), len(y))
        return torch._int_mm(x, y.T, out=out)  # pyright: ignore[reportPrivateImportUsage]


def nearest_images(images: np.ndarray, others: np.ndarray) -> Nearest:
    """Return the nearest of `others` (m, 28, 28) uint8 to each of `images` (n, 28, 28) uint8.

    Distances are Euclidean, with pixels from 0 to 1. The first of equally near images is taken.
    """
    x, y = signed(images), signed(others)
    norms, products = squares(y), Products(len(x), len(y))
    index, squared = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK]
        rows = slice(start, start + len(part))
        found = products.of(part, y)
        gaps = torch.sub(norms, found, alpha=2, out=found).numpy()  # |y|^2 - 2 xy: |x|^2 does not change which is least
        index[rows] = gaps.argmin(axis=1)
        squared[rows] = gaps[np.arange(len(part)), index[rows]] + squares(part).numpy()
    return Nearest(index, np.sqrt(squared) / 255)


def own_distances(images: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of each of at least two images (n, 28, 28) uint8 to the nearest other one."""
    x = signed(images)
    norms, products = squares(x), Products(len(x), len(x))
    least = torch.full((len(x),), torch.iinfo(torch.int32).max, dtype=torch.int32)
    for start in range(0, len(x), BLOCK):
        stop = min(start + BLOCK, len(x))
        # Each pair once: pairs to the left of the diagonal were compared before.
        found = products.of(x[start:stop], x[start:])
        squared = torch.sub(norms[start:], found, alpha=2, out=found).add_(norms[start:stop, None])
        squared.fill_diagonal_(torch.iinfo(torch.int32).max)
        torch.minimum(least[start:], squared.amin(0), out=least[start:])
        torch.minimum(least[start:stop], squared.amin(1), out=least[start:stop])
    return np.sqrt(least.numpy()) / 255


def twin_distances(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the distances (m,) of images (n, 28, 28) uint8 to the nearest other one of the same class.

    An image that is the only one of its class is left out.
    """
    classes = [images[labels == label] for label in np.unique(labels)]
    return np.concatenate([own_distances(members) for members in classes if len(members) > 1] or [np.empty(0)])


def alike_images(images: np.ndarray, distance: float) -> Alike:
    """Return which pairs of different images (n, 28, 28) uint8 are at most `distance` apart."""
    x = signed(images)
    norms, products = squares(x), Products(len(x), len(x))
    bits, degree = np.empty((len(x), -(-len(x) // 8)), np.uint8), np.empty(len(x), np.int64)
    limit = (255 * distance) ** 2 * (1 + 1e-9)  # a pair at exactly this distance counts, whatever the rounding
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK]
        rows = slice(start, start + len(part))
        found = products.of(part, x)
        squared = torch.sub(norms, found, alpha=2, out=found).add_(norms[rows, None])
        close = (squared <= limit).numpy()
        close[np.arange(len(part)), np.arange(start, rows.stop)] = False
        bits[rows], degree[rows] = np.packbits(close, axis=1), np.count_nonzero(close, axis=1)
    return Alike(bits, degree)


def signed(images: np.ndarray) -> torch.Tensor:
    """Return images (n, 28, 28) uint8 as vectors (n, 784) int8: pixels minus 128, with the same differences."""
    return torch.from_numpy((images.reshape(len(images), -1) ^ 0x80).view(np.int8))


def squares(x: torch.Tensor) -> torch.Tensor:
    """Return the squared norms (n,) int32 of vectors (n, d) int8."""
    return x.int().square().sum(1, dtype=torch.int32)
