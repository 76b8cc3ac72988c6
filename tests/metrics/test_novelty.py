"""Copying and authenticity: scipy's rank test, copies, new draws, and far draws."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, norm

from pipeline.metrics import novelty
from pipeline.metrics.clusters import cells, k_means
from pipeline.metrics.novelty import authenticity, copying, nearest_training, own_distances, rank_z


@pytest.fixture(scope="module")
def train() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1000, 8))


def test_the_nearest_training_sample_is_scipys(train: np.ndarray) -> None:
    samples = np.random.default_rng(1).normal(size=(200, 8))
    found, truth = nearest_training(train, samples), cdist(samples, train)
    assert found.index.tolist() == truth.argmin(axis=1).tolist()
    assert found.distance == pytest.approx(truth.min(axis=1), rel=1e-9)


def test_own_distances_leave_the_sample_itself_out(train: np.ndarray) -> None:
    truth = cdist(train, train)
    np.fill_diagonal(truth, np.inf)
    assert own_distances(train) == pytest.approx(truth.min(axis=1), rel=1e-9)
    assert own_distances(np.array([[1.0], [1.0], [4.0]])).tolist() == [0, 0, 3]


def test_copies_are_not_authentic_and_far_samples_are(train: np.ndarray) -> None:
    own = own_distances(train)
    assert authenticity(nearest_training(train, train[:300]), own) == 0
    assert authenticity(nearest_training(train, train[:300] + 100), own) == 1


def test_authenticity_by_hand() -> None:
    train = np.array([[0.0], [1.0], [10.0]])
    found = nearest_training(train, np.array([[-0.5], [-2.0], [8.0], [12.0]]))
    # Own distances are 1, 1 and 9: only -2 is farther from 0 than 1 is.
    assert authenticity(found, own_distances(train)) == 0.25
    # A copy of a sample that has a twin is as near as the twin: not farther.
    twins = np.array([[0.0], [0.0], [5.0]])
    assert authenticity(nearest_training(twins, twins[:1]), own_distances(twins)) == 0


def test_authenticity_of_new_draws_is_that_of_unseen_data(train: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    own = own_distances(train)
    shares = [authenticity(nearest_training(train, rng.normal(size=(1000, 8))), own) for _ in range(3)]
    assert max(shares) - min(shares) < 0.08 and 0.5 < np.mean(shares) < 0.75


def test_the_rank_score_is_scipys_with_ties() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 12, 60).astype(float), rng.integers(2, 15, 45).astype(float)
    theirs = mannwhitneyu(x, y, alternative="less", method="asymptotic", use_continuity=False)
    assert norm.cdf(rank_z(x, y)) == pytest.approx(theirs.pvalue, rel=1e-9)
    assert rank_z(x, y) == pytest.approx(-rank_z(y, x), rel=1e-12) and rank_z(x, x) == pytest.approx(0, abs=1e-12)


def test_the_rank_score_of_complete_separation_is_its_closed_form() -> None:
    x, y = np.arange(10.0), np.arange(10.0) + 20
    assert rank_z(x, y) == pytest.approx(-50 / math.sqrt(100 * 21 / 12), rel=1e-12)
    assert rank_z(np.ones(5), np.ones(7)) == 0


def test_copies_are_far_below_0_new_draws_near_it_and_noisy_ones_above(train: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    where, _ = k_means(train, 4, rng)

    def score(fake: np.ndarray) -> float:
        test = np.random.default_rng(5).normal(size=(800, 8))
        distances = [nearest_training(train, x).distance for x in (test, fake)]
        return copying(distances[0], cells(test, where), distances[1], cells(fake, where))

    assert score(train[:800] + rng.normal(0, 0.1, (800, 8))) < -10
    assert score(train[:800]) < -10
    assert abs(score(rng.normal(size=(800, 8)))) < 2.5
    assert score(rng.normal(0, 1.5, (800, 8))) > 5


def test_cells_count_by_their_test_samples_and_need_enough_fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    test, fake = rng.uniform(size=100), rng.uniform(size=75)
    test_cells, fake_cells = np.repeat([0, 1, 2], [60, 30, 10]), np.repeat([0, 1, 2], [40, 30, 5])
    parts = [rank_z(fake[fake_cells == c], test[test_cells == c]) for c in (0, 1)]
    assert copying(test, test_cells, fake, fake_cells) == pytest.approx((60 * parts[0] + 30 * parts[1]) / 90)
    monkeypatch.setattr(novelty, "FEWEST", 40)
    assert copying(test, test_cells, fake, fake_cells) == pytest.approx(parts[0])


def test_what_does_not_fit_is_refused_with_a_sentence(train: np.ndarray) -> None:
    few, one = np.ones(5), np.zeros(5, int)
    with pytest.raises(ValueError, match="a cell with test samples and at least 20 fakes, found none"):
        copying(few, one, few, one)
    with pytest.raises(ValueError, match="expected finite distances"):
        copying(few * np.nan, one, few, one)
    with pytest.raises(ValueError, match="train: expected at least 2 samples"):
        own_distances(train[:1])
    with pytest.raises(ValueError, match="of the real ones, 8, found 7"):
        nearest_training(train, train[:, 1:])
