"""Balls of neighbours against prdc, torch-fidelity, scikit-learn, closed forms, and sets made of duplicates."""

import contextlib
import io

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.spatial.distance import cdist
from scipy.stats import nhypergeom, norm
from sklearn.neighbors import KNeighborsClassifier
from torch_fidelity.metric_prc import prc_features_to_metric

from pipeline.metrics import distances
from pipeline.metrics.clipped import clipped_coverage, clipped_density, expected_clipped_coverage
from pipeline.metrics.distances import blocks, nearest
from pipeline.metrics.neighbours import (
    Neighbourhoods,
    coverage,
    density,
    neighbourhoods,
    precision,
    recall,
)
from pipeline.metrics.two_sample import one_nearest_neighbour


def expected_coverage(n: int, m: int, k: int) -> float:
    """The mean of coverage for n real and m fake samples of one continuous distribution (Naeem et al., 2020)."""
    i = np.arange(1, k + 1)
    return float(1 - np.prod((n - i) / (n + m - i)))


def scores(found: Neighbourhoods) -> dict[str, float]:
    return {
        "precision": precision(found),
        "recall": recall(found),
        "density": density(found),
        "coverage": coverage(found),
    }


def draw(seed: int, n: int, d: int, mean: float = 0, sd: float = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, sd, (n, d))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that every test crosses the border of a block."""
    monkeypatch.setattr(distances, "BLOCK", 60_000)


@pytest.mark.parametrize("y", [draw(1, 70, 5) + 1e6, None])
def test_distances_are_scipys_and_each_row_comes_once(y: np.ndarray | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "BLOCK", 900)
    x = draw(0, 90, 5) + 1e6
    seen = np.concatenate([block.copy() for _, block in blocks(x, y)])
    truth = cdist(x, x if y is None else y) ** 2
    if y is None:
        assert np.isinf(seen.diagonal()).all()
        np.fill_diagonal(seen, 0)
    np.testing.assert_allclose(seen, truth, rtol=1e-8, atol=1e-12)
    assert [rows.start for rows, _ in blocks(x, y)] == list(range(0, 90, 10 if y is None else 12))


def test_copies_are_at_distance_0_and_near_points_are_not() -> None:
    x = draw(0, 50, 300) + 40
    near = x.copy()
    near[:, 0] += 1e-3
    assert (np.concatenate([b.diagonal() for _, b in blocks(x, x.copy())]) == 0).all()
    index, distance = nearest(near, x)
    assert (index == np.arange(50)).all() and distance == pytest.approx(np.full(50, 1e-3), rel=1e-6)


def test_the_nearest_of_dense_points_in_few_dimensions_is_exact() -> None:
    line = np.append(np.arange(1000) * 1e-4, 1000)[:, None]
    index, distance = nearest(line[:-1] + 3e-5, line)
    assert (index == np.arange(1000)).all() and distance == pytest.approx(np.full(1000, 3e-5), rel=1e-9)


def test_bytes_are_not_taken_modulo_256() -> None:
    _, distance = nearest(np.array([[0, 255]], np.uint8), np.array([[255, 0], [255, 255]], np.uint8))
    assert distance[0] == 255


@pytest.mark.parametrize(("n", "m", "d", "k"), [(700, 700, 2, 5), (600, 400, 64, 3), (300, 500, 20, 1), (8, 9, 3, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_recall_density_and_coverage_are_prdcs(n: int, m: int, d: int, k: int, dtype: type) -> None:
    real, fake = draw(0, n, d).astype(dtype), draw(1, m, d, 0.2, 0.9).astype(dtype)
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = compute_prdc(real, fake, k)
    assert scores(neighbourhoods(real, fake, k)) == pytest.approx(theirs, abs=1e-12)


def test_precision_and_recall_are_torch_fidelitys() -> None:
    real, fake = draw(0, 500, 16), draw(1, 500, 16, 0.3)
    theirs = prc_features_to_metric(
        torch.from_numpy(fake), torch.from_numpy(real), prc_neighborhood=3, prc_batch_size=200, verbose=False
    )
    found = neighbourhoods(real, fake, 3)
    assert precision(found) == pytest.approx(theirs["precision"], abs=1e-7)
    assert recall(found) == pytest.approx(theirs["recall"], abs=1e-7)


def test_a_set_against_itself_is_perfect() -> None:
    x = draw(0, 400, 10)
    found = neighbourhoods(x, x.copy())
    assert scores(found) == {"precision": 1, "recall": 1, "density": 1, "coverage": 1}
    assert clipped_coverage(found) == 1
    # Each real sample is nearest to its copy, never to its own set.
    assert one_nearest_neighbour(found).accuracy == 0


def test_disjoint_sets_share_nothing() -> None:
    found = neighbourhoods(draw(0, 100, 3), draw(1, 100, 3, 1000))
    assert scores(found) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}
    assert clipped_density(found) == 0 and clipped_coverage(found) == 0
    test = one_nearest_neighbour(found)
    assert (test.accuracy, test.real, test.fake) == (1, 1, 1)


def test_swapping_the_sets_swaps_precision_and_recall() -> None:
    real, fake = draw(0, 300, 4), draw(1, 300, 4, 0.5, 0.7)
    there, back = neighbourhoods(real, fake), neighbourhoods(fake, real)
    assert precision(there) == recall(back) != recall(there) == precision(back)
    assert one_nearest_neighbour(there).real == one_nearest_neighbour(back).fake


def test_order_and_position_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    real, fake = draw(0, 300, 6), draw(1, 200, 6, 0.3)
    plain = neighbourhoods(real, fake)
    moved = neighbourhoods(rng.permutation(real) * 3 + 50, rng.permutation(fake) * 3 + 50)
    assert scores(plain) == scores(moved)
    assert clipped_density(plain) == clipped_density(moved)


@pytest.mark.parametrize(("n", "m", "k"), [(600, 600, 5), (400, 900, 3)])
def test_equal_distributions_have_the_expected_density_and_coverage(n: int, m: int, k: int) -> None:
    rng = np.random.default_rng(3)
    found = [neighbourhoods(rng.normal(size=(n, 8)), rng.normal(size=(m, 8)), k) for _ in range(40)]
    assert np.mean([density(f) for f in found]) == pytest.approx(1, abs=0.02)
    assert np.mean([coverage(f) for f in found]) == pytest.approx(expected_coverage(n, m, k), abs=0.006)
    clipped = np.mean([np.minimum(f.fakes_in_ball, k).mean() / k for f in found])
    assert clipped == pytest.approx(expected_clipped_coverage(n, np.array([m]), k)[0], abs=0.008)
    assert np.mean([clipped_density(f) for f in found]) == pytest.approx(1, abs=0.04)
    if n == m:
        assert np.mean([clipped_coverage(f) for f in found]) == pytest.approx(1, abs=0.04)


def test_the_expected_coverage_is_the_published_one() -> None:
    assert expected_coverage(10_000, 10_000, 5) == pytest.approx(0.96877, abs=5e-6)
    assert expected_coverage(10_000, 10_000, 3) == pytest.approx(0.87504, abs=5e-6)


@pytest.mark.parametrize(("n", "k"), [(50, 5), (6, 5), (30, 1)])
def test_the_expected_clipped_coverage_is_that_of_the_negative_hypergeometric(n: int, k: int) -> None:
    ours = expected_clipped_coverage(n, np.arange(41), k)
    assert ours[0] == 0 and (np.diff(ours) > 0).all()
    for m in (1, 3, 40):
        # Fakes are drawn until k of the n - 1 other real samples have come.
        counts = np.arange(m + 1)
        truth = nhypergeom(m + n - 1, m, k).pmf(counts) @ np.minimum(counts, k) / k
        assert ours[m] == pytest.approx(truth, rel=1e-9)


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_noise_in_place_of_a_share_of_the_samples_is_read_off_the_clipped_scores(share: float) -> None:
    rng = np.random.default_rng(4)
    n = 1000
    found = []
    for _ in range(3):
        fake = rng.normal(size=(n, 8))
        fake[: int(share * n)] += 1000
        found.append(neighbourhoods(rng.normal(size=(n, 8)), fake))
    assert np.mean([clipped_density(f) for f in found]) == pytest.approx(1 - share, abs=0.03)
    assert np.mean([clipped_coverage(f) for f in found]) == pytest.approx(1 - share, abs=0.03)


def test_one_far_real_sample_cannot_make_everything_precise() -> None:
    real = draw(0, 400, 4)
    real[0] = 60
    fake = np.random.default_rng(1).normal(20, 1, (400, 4))
    found = neighbourhoods(real, fake)
    assert precision(found) == 1 and clipped_density(found) == 0


def test_fakes_in_many_balls_cannot_make_up_for_those_in_none() -> None:
    fake = draw(1, 400, 8, sd=0.1)
    fake[100:] += 1000
    found = neighbourhoods(draw(0, 400, 8), fake)
    assert density(found) > 0.7 and 0.25 <= clipped_density(found) < 0.6


def test_the_nearest_neighbour_test_is_scikit_learns_leave_one_out() -> None:
    real, fake = draw(0, 150, 4), draw(1, 150, 4, 0.6)
    both, label = np.concatenate([real, fake]), np.repeat([0, 1], 150)
    right = [
        KNeighborsClassifier(1).fit(np.delete(both, i, 0), np.delete(label, i)).predict(both[i : i + 1])[0] == label[i]
        for i in range(300)
    ]
    found = one_nearest_neighbour(neighbourhoods(real, fake))
    assert found.accuracy == pytest.approx(np.mean(right), abs=1e-12)
    assert (found.real, found.fake) == pytest.approx((np.mean(right[:150]), np.mean(right[150:])), abs=1e-12)


def test_equal_distributions_cannot_be_told_apart_and_far_ones_as_bayes_can() -> None:
    found = one_nearest_neighbour(neighbourhoods(draw(0, 2000, 1), draw(1, 2000, 1)))
    assert found.accuracy == pytest.approx(0.5, abs=0.04)
    far = one_nearest_neighbour(neighbourhoods(draw(0, 2000, 1), draw(1, 2000, 1, 6)))
    assert far.accuracy == pytest.approx(norm.cdf(3), abs=0.004)


def test_fakes_that_are_few_images_repeated_cover_little_and_are_told_apart() -> None:
    real = draw(0, 400, 6)
    found = neighbourhoods(real, np.tile(draw(1, 20, 6), (20, 1)))
    assert recall(found) == 0 and coverage(found) < 0.3 and precision(found) > 0.8
    assert one_nearest_neighbour(found).fake == 1


def test_duplicated_real_samples_hold_copies_of_themselves_only() -> None:
    real = np.tile(draw(0, 10, 6), (10, 1))
    assert scores(neighbourhoods(real, real.copy())) == {"precision": 1, "recall": 1, "density": 2, "coverage": 1}
    assert scores(neighbourhoods(real, real + 0.01)) == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_constant_sets_have_values() -> None:
    same = neighbourhoods(np.full((30, 4), 0.1), np.full((30, 4), 0.1))
    assert precision(same) == recall(same) == coverage(same) == clipped_density(same) == clipped_coverage(same) == 1
    assert one_nearest_neighbour(same).accuracy == 0.5
    apart = neighbourhoods(np.full((30, 4), 0.1), np.full((30, 4), 0.3))
    assert set(scores(apart).values()) == {0} and clipped_density(apart) == clipped_coverage(apart) == 0
    assert one_nearest_neighbour(apart).accuracy == 1


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    x = draw(0, 10, 3)
    with pytest.raises(ValueError, match="real: expected at least 6 samples, found 5"):
        neighbourhoods(x[:5], x)
    with pytest.raises(ValueError, match="fake: expected at least 6 samples, found 1"):
        neighbourhoods(x, x[:1])
    with pytest.raises(ValueError, match="k of at least 1, found 0"):
        neighbourhoods(x, x, 0)
    with pytest.raises(ValueError, match="of the real ones, 3, found 2"):
        neighbourhoods(x, x[:, :2])
    with pytest.raises(ValueError, match="found others in 10 of 10 samples"):
        neighbourhoods(x, x * np.nan)
    with pytest.raises(ValueError, match="the nearest-neighbour test: expected as many fake samples as real ones"):
        one_nearest_neighbour(neighbourhoods(x, x[:8]))
