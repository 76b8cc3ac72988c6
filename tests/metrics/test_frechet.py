"""The Fréchet distance against closed forms, torch-fidelity, POT and torchmetrics."""

import numpy as np
import ot
import pytest
import torch
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torchmetrics.image.fid import _compute_fid

from pipeline.metrics.frechet import Moments, frechet_distance, frechet_infinity, moments, percent


def gaussian(rng: np.random.Generator, d: int) -> Moments:
    root = rng.normal(size=(d, d))
    return Moments(rng.normal(size=d), root @ root.T)


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(24, 24)) / 5
    return rng.normal(size=(900, 24)) @ mix, np.maximum(rng.normal(0.2, 1.3, (700, 24)), 0)


def test_it_is_torch_fidelitys_pots_and_torchmetrics(features: tuple[np.ndarray, np.ndarray]) -> None:
    real, fake = (moments(x) for x in features)
    ours = frechet_distance(real, fake)
    theirs = fid_statistics_to_metric(*(fid_features_to_statistics(torch.from_numpy(x)) for x in features), False)
    bures = ot.gaussian.bures_wasserstein_distance(real.mean, fake.mean, real.covariance, fake.covariance)
    tensors = [torch.from_numpy(x) for m in (real, fake) for x in (m.mean, m.covariance)]
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-9)
    assert ours == pytest.approx(bures**2, rel=1e-9)
    assert ours == pytest.approx(float(_compute_fid(*tensors)), rel=1e-9)


def test_commuting_gaussians_have_their_closed_form() -> None:
    rng = np.random.default_rng(1)
    basis, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    a, b = rng.uniform(0.1, 4, 8), rng.uniform(0.1, 4, 8)
    real = Moments(np.zeros(8), basis * a @ basis.T)
    fake = Moments(np.full(8, 0.5), basis * b @ basis.T)
    truth = 8 * 0.25 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    assert frechet_distance(real, fake) == pytest.approx(truth, abs=1e-12)


def test_two_by_two_gaussians_that_do_not_commute_have_their_closed_form() -> None:
    a, b = np.array([[2.0, 0.8], [0.8, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    product = a @ b
    # The trace of a 2 x 2 root is sqrt(trace + 2 sqrt(determinant)).
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    truth = np.trace(a) + np.trace(b) - 2 * root
    assert frechet_distance(Moments(np.zeros(2), a), Moments(np.zeros(2), b)) == pytest.approx(truth, abs=1e-12)


def test_it_is_symmetric_and_0_between_equals() -> None:
    rng = np.random.default_rng(2)
    a, b = gaussian(rng, 10), gaussian(rng, 10)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-10)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-10)


def test_fewer_samples_than_features_are_no_trouble() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(5, 40))
    assert frechet_distance(moments(x), moments(x)) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(moments(x), moments(x + 2)) == pytest.approx(160, rel=1e-10)


def test_a_constant_set_is_as_far_as_its_point_and_the_variance() -> None:
    rng = np.random.default_rng(4)
    real = moments(rng.normal(size=(100, 6)))
    fake = moments(np.ones((3, 6)))
    truth = np.square(real.mean - 1).sum() + np.trace(real.covariance)
    assert frechet_distance(real, fake) == pytest.approx(truth, rel=1e-12)
    with pytest.raises(ValueError, match="expected real features that vary"):
        percent(1.0, fake)


def test_percent_is_100_for_a_gap_of_one_total_standard_deviation_at_any_scale() -> None:
    rng = np.random.default_rng(5)
    real = moments(rng.normal(size=(300, 4)) * 7)
    gap = np.sqrt(np.trace(real.covariance) / 4)
    fake = Moments(real.mean + gap, real.covariance)
    assert percent(frechet_distance(real, fake), real) == pytest.approx(100, rel=1e-9)


def test_infinitely_many_samples_of_a_known_gaussian_have_the_known_distance_and_bias() -> None:
    rng = np.random.default_rng(6)
    d, n = 16, 2000
    real = Moments(np.zeros(d), np.eye(d))
    found = [frechet_infinity(real, rng.normal(0.1, 1, (n, d)), rng) for _ in range(8)]
    plain = np.mean([f.distances[-1] for f in found])
    # The gap of the means is 0.16; mean and covariance of n samples add d/n + d(d + 1)/4n.
    slope = d + d * (d + 1) / 4
    assert plain == pytest.approx(0.16 + slope / n, abs=0.015)
    assert np.mean([f.value for f in found]) == pytest.approx(0.16, abs=0.015)
    assert np.mean([np.polyfit(1 / f.sizes, f.distances, 1)[0] for f in found]) == pytest.approx(slope, rel=0.25)
    assert len(found[0].sizes) == 45 and found[0].sizes.min() == 200 and found[0].sizes.max() == n


def test_infinity_follows_the_seed() -> None:
    rng = np.random.default_rng(7)
    real, fake = Moments(np.zeros(5), np.eye(5)), rng.normal(size=(300, 5))
    a, b, c = (frechet_infinity(real, fake, np.random.default_rng(seed)).value for seed in (1, 1, 2))
    assert a == b != c


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    x = np.zeros((10, 3))
    with pytest.raises(ValueError, match=r"features: expected at least 2 samples, found 1"):
        moments(x[:1])
    with pytest.raises(ValueError, match=r"expected an array of shape \(n, d\), found \(10,\)"):
        moments(x[:, 0])
    with pytest.raises(ValueError, match=r"expected finite numbers, found others in 1 of 10 samples"):
        moments(np.where(np.arange(30).reshape(10, 3) == 4, np.nan, x))
    with pytest.raises(ValueError, match="equal dimension, found 3 and 2"):
        frechet_distance(moments(x), moments(x[:, :2]))
    with pytest.raises(ValueError, match="fake: expected at least 12 samples, found 10"):
        frechet_infinity(moments(x), x, np.random.default_rng(0))
