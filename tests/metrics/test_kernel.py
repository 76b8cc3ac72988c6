"""The kernel distance and its variance: torch-fidelity, naive sums, and every sample of a small distribution."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch_fidelity.metric_kid import kid_features_to_metric

from pipeline.metrics import kernel
from pipeline.metrics.kernel import kernel_distance, standardised


def test_it_is_torch_fidelitys() -> None:
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(600, 32)), rng.normal(0.2, 1.1, (600, 32))
    theirs = kid_features_to_metric(
        torch.from_numpy(real), torch.from_numpy(fake), kid_subsets=1, kid_subset_size=600, kid_kernel="poly"
    )
    assert kernel_distance(real, fake).value == pytest.approx(theirs["kernel_inception_distance_mean"], abs=1e-9)


def test_unequal_sizes_have_the_sums_of_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "TILE", 7)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), rng.normal(0.5, 1, (25, 3))

    def mean(a: np.ndarray, b: np.ndarray) -> float:
        same = a is b
        values = [(p @ q / 3 + 1) ** 3 for i, p in enumerate(a) for j, q in enumerate(b) if not (same and i == j)]
        return math.fsum(values) / len(values)

    truth = mean(x, x) + mean(y, y) - 2 * mean(x, y)
    assert kernel_distance(x, y).value == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize(("p", "q"), [(0.5, 0.5), (0.3, 0.9)])
def test_value_and_variance_are_unbiased_over_every_sample_of_coins(p: float, q: float) -> None:
    n, m = 4, 5
    coins = np.array([-1.0, 2.0])
    mean = square = variance = total = 0.0
    for x in itertools.product((0, 1), repeat=n):
        for y in itertools.product((0, 1), repeat=m):
            weight = p ** sum(x) * (1 - p) ** (n - sum(x)) * q ** sum(y) * (1 - q) ** (m - sum(y))
            found = kernel_distance(coins[list(x)][:, None], coins[list(y)][:, None])
            total += weight
            mean += weight * found.value
            square += weight * found.value**2
            variance += weight * found.variance
    table = (coins[:, None] * coins + 1) ** 3
    gap = np.array([1 - p, p]) - np.array([1 - q, q])
    assert total == pytest.approx(1)
    assert mean == pytest.approx(gap @ table @ gap, abs=1e-10)
    assert variance == pytest.approx(square - mean**2, rel=1e-9)


def test_float32_features_lose_no_more_than_a_millionth_of_the_kernel() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(700, 32)), rng.normal(0.02, 1, (600, 32))
    exact, quick = kernel_distance(x, y), kernel_distance(x.astype(np.float32), y.astype(np.float32))
    assert quick.value == pytest.approx(exact.value, abs=1e-6) and quick.value != exact.value
    assert quick.variance == pytest.approx(exact.variance, rel=1e-3)


def test_the_standard_error_is_the_spread_over_draws() -> None:
    rng = np.random.default_rng(2)
    found = [kernel_distance(rng.normal(size=(200, 4)), rng.normal(0.3, 1, (200, 4))) for _ in range(150)]
    spread = np.std([f.value for f in found], ddof=1)
    assert np.mean([math.sqrt(f.variance) for f in found if f.variance > 0]) == pytest.approx(spread, rel=0.2)


def test_it_is_symmetric_and_knows_no_order() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(50, 6)), rng.normal(1, 1, (60, 6))
    there, back = kernel_distance(x, y), kernel_distance(y[::-1], x[rng.permutation(50)])
    assert there.value == pytest.approx(back.value, rel=1e-12)
    assert there.variance == pytest.approx(back.variance, rel=1e-9)


def test_points_of_two_values_have_the_kernels_closed_form() -> None:
    found = kernel_distance(np.ones((10, 2)), np.full((12, 2), -1.0))
    assert found.value == pytest.approx(8 + 8 - 2 * 0, abs=1e-12)
    assert found.variance == pytest.approx(0, abs=1e-9)
    same = kernel_distance(np.ones((10, 2)), np.ones((10, 2)))
    assert same.value == 0 and same.variance <= 0


def test_standardising_makes_the_value_independent_of_the_scale() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(50, 6)), rng.normal(1, 1, (50, 6))
    a, b = kernel_distance(*standardised(x, y)), kernel_distance(*standardised(x * 30, y * 30))
    assert a.value == pytest.approx(b.value, rel=1e-12)
    assert np.square(standardised(x, y)[0]).mean() == pytest.approx(1)


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    x = np.ones((10, 3))
    with pytest.raises(ValueError, match="fake: expected at least 4 samples, found 3"):
        kernel_distance(x, x[:3])
    with pytest.raises(ValueError, match="as many features of the fake samples as of the real ones, 3, found 2"):
        kernel_distance(x, x[:, :2])
    with pytest.raises(ValueError, match="found only zeros"):
        standardised(x * 0, x)
    with pytest.raises(ValueError, match="fake: expected finite numbers"):
        kernel_distance(x, x * np.inf)
