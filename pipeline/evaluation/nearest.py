"""The nearest image of each image, in the whole numbers that pixels are: exact, and faster than floats on a CPU."""

import numpy as np
import torch

from pipeline.metrics.novelty import Nearest

BLOCK = 250  # images compared at once


def nearest_images(images: np.ndarray, others: np.ndarray | None = None) -> Nearest:
    """The nearest of `others` (m, 28, 28) uint8 to each of `images` (n, 28, 28) uint8, the first of equally near ones.

    Distances are Euclidean, with pixels from 0 to 1. Without `others` it is the nearest other one of the images. The
    search is |y|^2 - 2 xy, from products of whole numbers from -128 to 127, for which processors have instructions.
    """
    x, y = signed(images), signed(images if others is None else others)
    norms = squares(y)
    index, squared = np.empty(len(x), np.int64), np.empty(len(x), np.int64)
    buffer = torch.empty(min(BLOCK, len(x)), len(y), dtype=torch.int32)  # new memory costs as much as the arithmetic
    for start in range(0, len(x), BLOCK):
        part = x[start : start + BLOCK]
        rows = np.arange(start, start + len(part))
        products = buffer[: len(part)]
        torch._int_mm(part, y.T, out=products)  # pyright: ignore[reportPrivateImportUsage]
        gaps = torch.sub(norms, products, alpha=2, out=products).numpy()
        if others is None:
            gaps[rows - start, rows] = np.iinfo(np.int32).max
        index[rows] = gaps.argmin(axis=1)
        squared[rows] = gaps[rows - start, index[rows]] + squares(part).numpy()
    return Nearest(index, np.sqrt(squared) / 255)


def signed(images: np.ndarray) -> torch.Tensor:
    """Images (n, 28, 28) uint8 as vectors (n, 784) int8: all less 128, which no difference sees."""
    return torch.from_numpy((images.reshape(len(images), -1) ^ 0x80).view(np.int8))


def squares(x: torch.Tensor) -> torch.Tensor:
    """The squared norms (n,) int32 of vectors (n, d) int8."""
    return x.int().square().sum(1, dtype=torch.int32)
