"""The PRD curve and the bins: discrete distributions by hand, equal and disjoint sets, known rates of false alarm."""

from statistics import NormalDist

import numpy as np
import pytest

from pipeline.metrics.bins import Bins, compare_bins, compare_counts, fit_bins
from pipeline.metrics.clusters import cells, k_means
from pipeline.metrics.prd import curve_of_shares, prd


def shares(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def blobs(rng: np.random.Generator, of: list[int], n: int) -> np.ndarray:
    """n samples of d = 6 from far clusters, those that are named."""
    return np.array(of)[rng.integers(len(of), size=n), None] * 20.0 + rng.normal(size=(n, 6))


def test_equal_distributions_have_both_scores_1_and_disjoint_ones_0() -> None:
    p = shares(0.2, 0.3, 0.5)
    for beta in (8.0, 1 / 8, 1.0):
        assert curve_of_shares(p, p).f(beta) == pytest.approx(1, abs=1e-5)
        assert curve_of_shares(shares(1, 0), shares(0, 1)).f(beta) == 0


def test_half_of_the_modes_is_all_precision_and_half_of_the_recall() -> None:
    curve = curve_of_shares(shares(0.5, 0.5), shares(1, 0))
    # min(lambda / 2, 1) is the precision, and 1/2 the largest recall: by hand.
    assert curve.precision.max() == pytest.approx(1) and curve.recall.max() == pytest.approx(0.5)
    assert curve.f(8.0) == pytest.approx(65 * 0.5 / (64 + 0.5), abs=1e-3)
    assert curve.f(1 / 8) == pytest.approx((1 + 1 / 64) * 0.5 / (1 / 64 + 0.5), abs=1e-3)


def test_the_curve_of_two_points_is_that_of_the_definition() -> None:
    p, q = shares(0.7, 0.3), shares(0.4, 0.6)
    curve = curve_of_shares(p, q)
    for precision, recall in zip(curve.precision[1:-1:100], curve.recall[1:-1:100], strict=True):
        slope = precision / recall
        assert precision == pytest.approx(min(0.7 * slope, 0.4) + min(0.3 * slope, 0.6), rel=1e-9)


def test_swapping_mirrors_the_curve() -> None:
    p, q = shares(0.7, 0.2, 0.1), shares(0.1, 0.4, 0.5)
    there, back = curve_of_shares(p, q), curve_of_shares(q, p)
    assert there.precision == pytest.approx(back.recall[::-1], abs=1e-6)
    assert there.f(8.0) == pytest.approx(back.f(1 / 8), rel=1e-6)


def test_a_missing_mode_costs_recall_and_an_invented_one_precision() -> None:
    rng = np.random.default_rng(0)
    real = blobs(rng, [0, 1, 2, 3], 600)
    less = prd(real, blobs(rng, [0, 1, 2], 600), rng)
    more = prd(real, blobs(rng, [0, 1, 2, 3, 4], 600), rng)
    same = prd(real, blobs(rng, [0, 1, 2, 3], 600), rng)
    assert same.f(8.0) > 0.93 and same.f(1 / 8) > 0.93
    assert less.f(8.0) < 0.8 and less.f(1 / 8) > 0.93
    assert more.f(1 / 8) < 0.85 and more.f(8.0) > 0.93
    assert prd(real, real + 1000, rng).f(1.0) == 0


def test_the_curve_follows_the_seed() -> None:
    rng = np.random.default_rng(1)
    real, fake = rng.normal(size=(200, 3)), rng.normal(0.3, 1, (200, 3))
    a, b, c = (prd(real, fake, np.random.default_rng(seed)).f(8.0) for seed in (0, 0, 1))
    assert a == b != c


def test_constant_sets_have_a_curve() -> None:
    rng, x = np.random.default_rng(2), np.full((30, 3), 0.1)
    assert prd(x, x, rng).f(8.0) == pytest.approx(1, abs=1e-5)
    assert prd(x, x + 1, rng).f(8.0) == 0


def test_cells_are_those_of_the_nearest_centre() -> None:
    rng = np.random.default_rng(3)
    x = blobs(rng, [0, 1, 2], 300)
    found, of_training = k_means(x, 3, rng)
    assert np.sort(found[:, 0].round(-1)).tolist() == [0, 20, 40]
    gaps = np.square(x[:, None] - found).sum(axis=2)
    assert cells(x, found).tolist() == of_training.tolist() == gaps.argmin(axis=1).tolist()


def test_the_z_of_a_bin_is_the_two_proportion_test() -> None:
    found = compare_counts(np.array([30, 70, 0]), np.array([50, 50, 0]))
    pooled = 0.4
    assert found.z[0] == pytest.approx(0.2 / np.sqrt(pooled * 0.6 * (2 / 100)), rel=1e-12)
    assert found.z[1] == pytest.approx(-found.z[0]) and found.z[2] == 0
    assert found.different == pytest.approx(2 / 3)
    middle = np.array([0.4, 0.6])
    truth = sum(0.5 * (p * np.log(p / middle)).sum() for p in (shares(0.3, 0.7), shares(0.5, 0.5)))
    assert found.divergence == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_equal_distributions_have_as_many_different_bins_as_the_level_says(level: float) -> None:
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.full(100, 5))
    found = [compare_counts(rng.multinomial(10_000, p), rng.multinomial(4000, p), level).different for _ in range(40)]
    assert np.mean(found) == pytest.approx(level, abs=0.015)


def test_the_power_of_a_bin_is_that_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(5)
    n, p, q = 2000, 0.30, 0.34
    hits = [
        compare_counts(np.array([a, n - a]), np.array([b, n - b])).different
        for a, b in zip(rng.binomial(n, p, 600), rng.binomial(n, q, 600), strict=True)
    ]
    error = np.sqrt(p * (1 - p) / n + q * (1 - q) / n)
    assert np.mean(hits) == pytest.approx(1 - NormalDist().cdf(1.96 - (q - p) / error), abs=0.05)


def test_a_missing_mode_is_the_bins_that_lie_in_it() -> None:
    rng = np.random.default_rng(6)
    bins = fit_bins(blobs(rng, [0, 1, 2, 3], 2000), rng, 20)
    assert bins.counts.sum() == 2000
    same, less = (compare_bins(bins, blobs(rng, of, 1000)) for of in ([0, 1, 2, 3], [0, 1, 2]))
    assert same.different <= 0.2 and same.divergence < 0.02
    missing = bins.centres[:, 0] > 50
    assert (less.z[missing] < -1.96).all() and less.divergence > 0.08
    assert less.fake[missing].sum() == 0 and less.train.sum() == pytest.approx(1)


def test_one_fake_and_constant_sets_have_a_value() -> None:
    rng = np.random.default_rng(7)
    bins = fit_bins(rng.normal(size=(100, 2)), rng, 10)
    assert 0 <= compare_bins(bins, np.zeros((1, 2))).different <= 1
    constant = fit_bins(np.ones((50, 2)), rng, 5)
    assert compare_bins(constant, np.ones((20, 2))).different == 0


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    rng, x = np.random.default_rng(8), np.zeros((30, 2))
    with pytest.raises(ValueError, match="the PRD curve: expected as many fake samples as real ones, found 29 and 30"):
        prd(x, x[1:], rng)
    with pytest.raises(ValueError, match="k-means: expected at least as many samples as cells, 20, found 18"):
        prd(x[:9], x[:9], rng)
    with pytest.raises(ValueError, match=r"sum to 1, found a sum that is off by 0\.5"):
        curve_of_shares(shares(0.5, 0.5), shares(1, 0.5))
    with pytest.raises(ValueError, match="of equal length"):
        curve_of_shares(shares(0.5, 0.5), shares(1))
    with pytest.raises(ValueError, match="of the real ones, 2, found 3"):
        compare_bins(Bins(x[:5], np.full(5, 6)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="fake: expected at least 1 samples, found 0"):
        compare_bins(Bins(x[:5], np.full(5, 6)), x[:0])
