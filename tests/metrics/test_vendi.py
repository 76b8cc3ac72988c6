"""The Vendi score against vendi-score, and sets whose diversity is plain."""

import numpy as np
import pytest
from vendi_score.vendi import score_dual

from pipeline.metrics.vendi import vendi_by_class, vendi_ratio, vendi_score


@pytest.mark.parametrize(("n", "d"), [(40, 90), (90, 40)])
def test_it_is_vendi_scores_by_both_matrices(n: int, d: int) -> None:
    x = np.random.default_rng(0).normal(0.3, 1, (n, d))
    assert vendi_score(x) == pytest.approx(score_dual(x), rel=1e-9)
    assert vendi_score(x) == pytest.approx(score_dual(x[:, ::-1] * 5), rel=1e-9)


def test_orthogonal_samples_count_each_and_parallel_ones_once() -> None:
    assert vendi_score(np.eye(7) * 3) == pytest.approx(7)
    assert vendi_score(np.repeat(np.eye(5), 30, axis=0)) == pytest.approx(5)
    assert vendi_score(np.outer(np.arange(1, 9), [1, 2])) == pytest.approx(1)
    assert vendi_score(np.array([[1e-200, 2e-200]])) == pytest.approx(1)


def test_two_directions_have_the_entropy_of_their_angle() -> None:
    cosine = 0.6
    values = np.array([(1 + cosine) / 2, (1 - cosine) / 2])
    truth = np.exp(-(values * np.log(values)).sum())
    assert vendi_score(np.array([[1, 0], [cosine, 0.8]])) == pytest.approx(truth, rel=1e-12)


def test_unequal_shares_have_the_exponential_of_their_entropy() -> None:
    x = np.repeat(np.eye(3), [60, 30, 10], axis=0)
    p = np.array([0.6, 0.3, 0.1])
    assert vendi_score(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-12)


def test_by_class_and_over_real() -> None:
    x = np.concatenate([np.eye(4), np.eye(4)[[0, 1, 0, 1]], np.eye(4)[:1]])
    labels = np.array([0] * 4 + [1] * 4 + [7])
    scores = vendi_by_class(x, labels)
    assert scores == pytest.approx({0: 4, 1: 2, 7: 1})
    assert vendi_ratio({0: 2.0, 1: 2.0, 9: 5.0}, scores) == pytest.approx((0.5 + 1 + 0) / 3)
    assert vendi_ratio(scores, scores) == 1


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="found only zeros in 1 of 2"):
        vendi_score(np.array([[0.0, 0], [1, 0]]))
    with pytest.raises(ValueError, match="at least 1 samples, found 0"):
        vendi_score(np.empty((0, 3)))
    with pytest.raises(ValueError, match=r"one label for each of 2 samples, found \(3,\)"):
        vendi_by_class(np.eye(2), np.zeros(3, int))
    with pytest.raises(ValueError, match="at least one real class"):
        vendi_ratio({}, {})
