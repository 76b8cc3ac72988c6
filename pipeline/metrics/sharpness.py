"""Measure whether the edges are as sharp as those of real images."""

import numpy as np
from scipy.ndimage import laplace

from pipeline.metrics.base import BLURS, Metric

CHUNK = 1000  # images transformed at once
ROUNDING = 1 / (12 * 255**2)  # the power per pixel of rounding to 256 levels

METRICS = (
    Metric(
        name="sharpness_ratio",
        title="Sharpness over that of real images",
        question="sharpness",
        space="pixels",
        better=1.0,
        formula=r"\frac{E_y\operatorname{var}(\Delta y)}{E_x\operatorname{var}(\Delta x)}",
        source="Pech-Pacheco et al., 2000",
        sees=(*BLURS, "noise", "threshold", "half_one_class", "mean_of_two", "part_noise"),
        blind=("copies", "shift", "missing_class"),
        role="primary",
        scale="log",
    ),
    Metric(
        name="spectrum_distance",
        title="Log distance of the radial power spectrum (nats)",
        question="sharpness",
        space="pixels",
        better="lower",
        formula=r"\sqrt{\frac{1}{R}\sum_{r=1}^R\Bigl(\ln\frac{S_y(r)}{S_x(r)}\Bigr)^2},"
        r"\quad S(r)=\operatorname*{mean}_{r-\frac{1}{2}\le|f|<r+\frac{1}{2}}E\frac{|\hat x(f)|^2}{hw}",
        source="after Durall et al., 2020",
        sees=(*BLURS, "noise", "threshold", "half_one_class", "mean_of_two", "part_noise"),
        blind=("copies", "shift", "missing_class"),
        role="primary",
    ),
)


def laplacian_variance(pixels: np.ndarray) -> np.ndarray:
    """Return the variance of the discrete Laplacian of each image (Pech-Pacheco et al., 2000).

    Args:
        pixels: (n, height, width) uint8.

    Returns:
        (n,) float64, in squared pixel values on the scale 0 to 1. Blur lowers it, noise raises it.
    """
    images = pixels.astype(np.float32) / 255
    return laplace(images, axes=(1, 2), mode="nearest").var(axis=(1, 2), dtype=np.float64)


def radial_spectrum(pixels: np.ndarray) -> np.ndarray:
    """Return the radial power spectrum: the mean power of images at each spatial frequency (Durall et al., 2020).

    Args:
        pixels: (n, height, width) uint8.

    Returns:
        (radii,) float64, in squared pixel values on the scale 0 to 1: |Fourier transform|^2 / (number of pixels). It
        is a mean over images, and over the frequencies whose modulus, in cycles per image, rounds to the radius. White
        noise of variance v has the value v at all radii but 0, which is the brightness.

    Raises:
        ValueError: for another number of axes, no images, or values that are not bytes.
    """
    if pixels.ndim != 3 or not pixels.size or pixels.dtype != np.uint8:
        raise ValueError(f"expected bytes of shape (n, height, width), found {pixels.dtype} of shape {pixels.shape}")
    n, height, width = pixels.shape

    # The mean over images, then over the frequencies of each radius.
    power = np.zeros((height, width))
    for start in range(0, n, CHUNK):
        transformed = np.fft.fft2(pixels[start : start + CHUNK].astype(np.float64) / 255)
        power += np.square(np.abs(transformed)).sum(axis=0)
    power /= n * height * width
    y, x = np.fft.fftfreq(height, 1 / height), np.fft.fftfreq(width, 1 / width)
    radius = np.hypot(y[:, None], x).round().astype(int).ravel()
    return np.bincount(radius, power.ravel()) / np.bincount(radius)


def spectrum_distance(spectrum: np.ndarray, real: np.ndarray) -> float:
    """Return the root mean square difference of two log spectra (radii,), without radius 0; in nats.

    Both come from `radial_spectrum`. Power below that of rounding to bytes is raised to it, so that images without any
    structure have a finite distance.

    Raises:
        ValueError: for spectra of images of different sizes, or of a single pixel.
    """
    if spectrum.shape != real.shape or len(spectrum) < 2:
        raise ValueError(f"expected two spectra of equal length above 1, found {spectrum.shape} and {real.shape}")
    gap = np.log(np.maximum(spectrum, ROUNDING)) - np.log(np.maximum(real, ROUNDING))
    return float(np.sqrt(np.square(gap[1:]).mean()))
