"""Compute the Fréchet distance: how far apart are the means and covariances of features?"""

from dataclasses import dataclass

import numpy as np

from pipeline.metrics.base import BLURS, Metric
from pipeline.metrics.inputs import check_vectors

SIZES = 15  # Chong & Forsyth, 2020
REPEATS = 3

METRICS = (
    Metric(
        name="fd_percent",
        title="Fréchet distance (% of the real variance)",
        question="fidelity",
        space="features",
        better="lower",
        formula=r"100\,\frac{\lVert\mu_r-\mu_g\rVert^2+\operatorname{tr}\bigl(\Sigma_r+\Sigma_g"
        r"-2(\Sigma_r^{1/2}\Sigma_g\Sigma_r^{1/2})^{1/2}\bigr)}{\operatorname{tr}\Sigma_r}",
        source="Heusel et al., 2017; Dowson & Landau, 1982",
        sees=(*BLURS, "noise", "threshold", "shift", "half_one_class", "distinct_100", "mean_of_two", "part_noise"),
        blind=("copies",),
    ),
    Metric(
        name="fd_infinity_percent",
        title="Fréchet distance for infinitely many samples (%)",
        question="fidelity",
        space="features",
        better="lower",
        formula=r"\mathrm{FD}_n\approx\mathrm{FD}_\infty+\frac{c}{n}",
        source="Chong & Forsyth, 2020",
        sees=(*BLURS, "noise", "threshold", "shift", "half_one_class", "distinct_100", "mean_of_two", "part_noise"),
        blind=("copies",),
        role="primary",
    ),
)


@dataclass(frozen=True)
class Moments:
    """Hold the mean and the covariance of features."""

    mean: np.ndarray  # (d,) float64
    covariance: np.ndarray  # (d, d) float64, with n - 1 in the denominator


@dataclass(frozen=True)
class Extrapolation:
    """Hold the line fitted to FD against 1/n, and the points behind it."""

    value: float  # at 1/n = 0
    sizes: np.ndarray  # (points,) n of each
    distances: np.ndarray  # (points,)


def moments(features: np.ndarray) -> Moments:
    """Return the mean and the unbiased covariance of features (n, d), in float64.

    Raises:
        ValueError: for fewer than 2 samples, or values that are not finite.
    """
    check_vectors(features, "features", at_least=2)
    x = features.astype(np.float64)
    mean = x.mean(axis=0)
    x -= mean
    return Moments(mean, x.T @ x / (len(x) - 1))


def frechet_distance(real: Moments, fake: Moments) -> float:
    """Return the squared Fréchet (2-Wasserstein) distance of two Gaussians (Dowson & Landau, 1982).

    It is in squared feature units. The trace of the matrix root comes from the eigenvalues of a symmetric matrix, so it
    is real by construction. Eigenvalues below the rounding error of the largest count as 0.

    Raises:
        ValueError: for moments of unequal dimension.
    """
    if real.mean.shape != fake.mean.shape:
        raise ValueError(f"expected moments of equal dimension, found {len(real.mean)} and {len(fake.mean)}")
    # tr (S_r^1/2 S_g S_r^1/2)^1/2 is the sum of the roots of the eigenvalues of S_r^1/2 S_g S_r^1/2.
    values, vectors = np.linalg.eigh(real.covariance)
    root = (vectors * np.sqrt(_positive(values))) @ vectors.T
    product = root @ fake.covariance @ root
    cross = np.sqrt(_positive(np.linalg.eigvalsh((product + product.T) / 2))).sum()
    gap = real.mean - fake.mean
    distance = gap @ gap + np.trace(real.covariance) + np.trace(fake.covariance) - 2 * cross
    return max(0.0, float(distance))


def _positive(eigenvalues: np.ndarray) -> np.ndarray:
    """Return the eigenvalues, with 0 in place of those below the rounding error of the largest."""
    noise = np.abs(eigenvalues).max() * len(eigenvalues) * np.finfo(float).eps
    return np.where(eigenvalues > noise, eigenvalues, 0.0)


def percent(distance: float, real: Moments) -> float:
    """Return 100 FD / tr S_r: a Fréchet distance as a percentage of the total variance of the real features.

    Unlike FD, this does not depend on the scale of the features. Equal covariances whose means are one total standard
    deviation apart score 100.

    Raises:
        ValueError: if the real features do not vary.
    """
    total = float(np.trace(real.covariance))
    if total == 0:
        raise ValueError("expected real features that vary, found a single point")
    return 100 * distance / total


def frechet_infinity(real: Moments, fake: np.ndarray, rng: np.random.Generator) -> Extrapolation:
    """Return the Fréchet distance extrapolated to infinitely many fake samples (Chong & Forsyth, 2020).

    The distance of n samples is biased upwards by about c/n. It is computed for 15 sizes, with 3 subsamples each, drawn
    without replacement. The value is the intercept of the least-squares line on 1/n. This removes the bias of the fake
    side only; the reference is the same for all models.

    Args:
        fake: (n, d) features. The smallest size is n/10, but at least 2d, as the bias is linear in 1/n only for n well
            above d.

    Raises:
        ValueError: for n < 4d, or values that are not finite.
    """
    check_vectors(fake, "fake", at_least=4 * fake.shape[-1])
    smallest = max(len(fake) // 10, 2 * fake.shape[1])
    sizes = np.linspace(smallest, len(fake), SIZES).round().astype(int).repeat(REPEATS)
    distances = np.array(
        [frechet_distance(real, moments(fake[rng.choice(len(fake), size, replace=False)])) for size in sizes]
    )
    _, value = np.polyfit(1 / sizes, distances, 1)
    return Extrapolation(float(value), sizes, distances)
