"""Are the edges as sharp as those of real images?"""

import numpy as np
from scipy.ndimage import laplace


def laplacian_variance(pixels: np.ndarray) -> np.ndarray:
    """The variance of the discrete Laplacian of each image (Pech-Pacheco et al., 2000).

    Args:
        pixels: (n, height, width) uint8.

    Returns:
        (n,) float64, in squared pixel values on the scale 0 to 1. Blur lowers it, noise raises it.
    """
    images = pixels.astype(np.float32) / 255
    return laplace(images, axes=(1, 2), mode="nearest").var(axis=(1, 2), dtype=np.float64)
