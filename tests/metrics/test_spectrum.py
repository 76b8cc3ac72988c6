"""The radial power spectrum: waves, noise, Parseval, and blur."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.metrics.sharpness import ROUNDING, radial_spectrum, spectrum_distance


def noise(n: int, sd: float = 40, size: int = 28) -> np.ndarray:
    values = np.random.default_rng(0).normal(128, sd, (n, size, size))
    return np.clip(values, 0, 255).round().astype(np.uint8)


def test_white_noise_has_its_variance_at_all_radii_but_0() -> None:
    spectrum = radial_spectrum(noise(1500))
    assert len(spectrum) == 21
    assert spectrum[1:] == pytest.approx(np.full(20, (40 / 255) ** 2), rel=0.08)
    assert spectrum[0] == pytest.approx(784 * (128 / 255) ** 2, rel=0.01)


def test_a_wave_has_its_power_at_its_frequency() -> None:
    x = np.arange(32)
    wave = 100 + 80 * np.cos(2 * np.pi * 5 * x / 32)
    for image in (np.tile(wave, (32, 1)), np.tile(wave[:, None], (1, 32))):
        spectrum = radial_spectrum(image.round().astype(np.uint8)[None])
        assert spectrum.argsort()[-2:].tolist() == [5, 0] and spectrum[5] > 1000 * np.delete(spectrum, [0, 5]).max()


def test_the_power_of_all_frequencies_is_the_mean_square() -> None:
    images = noise(30, size=12)
    y, x = np.meshgrid(np.fft.fftfreq(12, 1 / 12), np.fft.fftfreq(12, 1 / 12))
    members = np.bincount(np.hypot(y, x).round().astype(int).ravel())
    assert radial_spectrum(images) @ members / 144 == pytest.approx(np.square(images / 255.0).mean(), rel=1e-12)


def test_turned_and_shifted_images_have_the_same_spectrum() -> None:
    images = noise(3)
    plain = radial_spectrum(images)
    assert radial_spectrum(np.rot90(images, axes=(1, 2)).copy()) == pytest.approx(plain, rel=1e-12)
    assert radial_spectrum(np.roll(images, 5, axis=2)) == pytest.approx(plain, rel=1e-9)


def test_more_images_than_fit_a_chunk_are_a_mean() -> None:
    images = noise(1200, size=6)
    parts = [radial_spectrum(images[:700]), radial_spectrum(images[700:])]
    assert radial_spectrum(images) == pytest.approx((700 * parts[0] + 500 * parts[1]) / 1200, rel=1e-12)


def test_blur_takes_high_frequencies_away_and_the_distance_says_how_far() -> None:
    sharp = noise(200)
    soft, softer = (gaussian_filter(sharp.astype(float), (0, s, s)).round().astype(np.uint8) for s in (0.5, 1))
    real = radial_spectrum(sharp)
    spectra = [radial_spectrum(x) for x in (soft, softer)]
    assert (spectra[1][8:] < spectra[0][8:]).all() and (spectra[0][8:] < real[8:]).all()
    assert 0 < spectrum_distance(spectra[0], real) < spectrum_distance(spectra[1], real)
    assert spectrum_distance(real, real) == 0


def test_a_factor_at_every_radius_is_its_logarithm_and_the_brightness_does_not_count() -> None:
    real = np.array([5.0, 0.3, 0.2, 0.1])
    assert spectrum_distance(real * 3, real) == pytest.approx(math.log(3), rel=1e-12)
    assert spectrum_distance(real * np.array([9, 1, 1, 1]), real) == 0


def test_constant_images_have_a_distance() -> None:
    spectrum = radial_spectrum(np.full((2, 28, 28), 7, np.uint8))
    real = radial_spectrum(noise(100))
    truth = np.sqrt(np.square(np.log(ROUNDING / real[1:])).mean())
    assert spectrum_distance(spectrum, real) == pytest.approx(truth, rel=1e-9)


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="expected bytes of shape"):
        radial_spectrum(np.zeros((2, 28, 28)))
    with pytest.raises(ValueError, match=r"found uint8 of shape \(0, 28, 28\)"):
        radial_spectrum(np.zeros((0, 28, 28), np.uint8))
    with pytest.raises(ValueError, match="two spectra of equal length"):
        spectrum_distance(np.ones(4), np.ones(5))
