"""Intervals, exact tests and Holm: scipy, closed testing, and how often they are wrong."""

import itertools

import numpy as np
import pytest
from scipy import stats
from scipy.stats import ttest_1samp, ttest_ind

from pipeline.analysis.uncertainty import (
    Estimate,
    Interval,
    difference_interval,
    difference_of,
    interval_of,
    permutation_test,
    seed_interval,
    welch_test,
)


def p_of(a: np.ndarray, b: np.ndarray) -> float:
    """Of one score, where nothing is to adjust."""
    found = permutation_test(a[None], b[None])
    assert found.p == found.adjusted
    return float(found.p[0])


def test_the_interval_is_scipys() -> None:
    values = np.random.default_rng(0).normal(3, 2, 5)
    theirs = ttest_1samp(values, 0).confidence_interval(0.95)
    found = seed_interval(values)
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert (found.mean, found.sd) == pytest.approx((values.mean(), values.std(ddof=1)))
    half = ttest_1samp(values, 0).confidence_interval(0.5)
    assert seed_interval(values, 0.5).upper == pytest.approx(half.high, rel=1e-12)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [seed_interval(rng.normal(7, 3, 3)) for _ in range(1000)]
    assert np.mean([f.lower < 7 < f.upper for f in found]) == pytest.approx(0.95, abs=0.02)


def test_one_seed_has_no_interval() -> None:
    assert seed_interval(np.array([4.5])) == Interval(4.5, None, None, None)


def test_equal_seeds_have_an_interval_of_no_width() -> None:
    found = seed_interval(np.full(4, 2.5))
    assert found.lower == found.mean == found.upper == 2.5


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 6), (6, 3)])
def test_the_permutation_test_is_scipys(n: int, m: int) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=n), rng.normal(0.8, 1, m)
    theirs = stats.permutation_test(
        (a, b), lambda x, y, axis: np.abs(x.mean(axis) - y.mean(axis)), n_resamples=np.inf, alternative="greater"
    )
    assert p_of(a, b) == pytest.approx(theirs.pvalue, rel=1e-12)
    assert p_of(a, b) == p_of(b, a)
    assert p_of(a + 1e6, b + 1e6) == p_of(a, b)


def test_one_seed_against_several_is_one_of_all_splits() -> None:
    assert p_of(np.array([0.0]), np.arange(10.0, 14)) == 1 / 5
    assert p_of(np.array([11.0]), np.arange(10.0, 14)) == 1


@pytest.mark.parametrize(("seeds", "least"), [(1, 1), (3, 2 / 20), (4, 2 / 70), (5, 2 / 252), (8, 2 / 12870)])
def test_the_smallest_p_is_two_splits_of_all(seeds: int, least: float) -> None:
    a = np.arange(seeds) * 0.1
    assert p_of(a, a + 10) == pytest.approx(least, rel=1e-12)
    assert p_of(a, a) == 1


def test_the_permutation_test_is_wrong_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(3)
    p = np.array([p_of(rng.exponential(size=4), rng.exponential(size=5)) for _ in range(1000)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) < level + 0.03


def test_the_adjusted_p_is_that_of_the_largest_of_all_scores() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=(4, 5)) * [[1], [50], [1], [1]], rng.normal(size=(4, 5)) * [[1], [50], [1], [1]]
    b[2] += 9
    both = np.concatenate([a, b], axis=1)
    gaps = []
    for side in itertools.combinations(range(10), 5):
        chosen = np.isin(np.arange(10), side)
        gaps.append(np.abs(both[:, chosen].mean(1) - both[:, ~chosen].mean(1)) / both.std(axis=1))
    observed = np.abs(a.mean(1) - b.mean(1)) / both.std(axis=1)
    truth = [(np.max(gaps, axis=1) >= gap - 1e-9).mean() for gap in observed]
    found = permutation_test(a, b)
    assert found.adjusted == pytest.approx(truth, rel=1e-12)
    assert (found.adjusted >= found.p).all() and found.adjusted[2] == pytest.approx(2 / 252)


def test_scores_that_say_the_same_cost_nothing_and_one_that_never_differs_neither() -> None:
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=5), rng.normal(1, 1, 5)
    alone = permutation_test(a[None], b[None]).p[0]
    found = permutation_test(np.stack([a, 7 * a + 3, np.ones(5)]), np.stack([b, 7 * b + 3, np.ones(5)]))
    assert found.adjusted.tolist() == pytest.approx([alone, alone, 1]) and found.p[2] == 1


def test_of_many_equal_scores_any_is_called_different_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(10)
    least = [permutation_test(*rng.exponential(size=(2, 12, 4))).adjusted.min() for _ in range(500)]
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(least) <= level) < level + 0.04


@pytest.mark.parametrize(("n", "m"), [(5, 5), (2, 6)])
def test_the_interval_of_a_difference_is_scipys(n: int, m: int) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(1, 3, n), rng.normal(0, 0.5, m)
    theirs = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = difference_interval(a, b)
    assert found.mean == pytest.approx(a.mean() - b.mean())
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_a_difference_of_constants_has_no_width_and_of_single_values_no_interval() -> None:
    found = difference_interval(np.full(3, 5.0), np.full(2, 4.0))
    assert (found.mean, found.lower, found.upper) == (1, 1, 1)
    assert difference_interval(np.array([5.0]), np.array([4.0, 3.0])) == Interval(1.5, None, None, None)


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="values: expected one finite number for each seed"):
        seed_interval(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match=r"b: expected finite numbers \(scores, seeds\)"):
        permutation_test(np.ones((1, 3)), np.empty((1, 0)))
    with pytest.raises(ValueError, match="a: expected one finite number for each seed"):
        difference_interval(np.array([np.inf]), np.ones(2))
    with pytest.raises(ValueError, match="at most 200000 splits, found 705432, from 11 and 11 seeds"):
        permutation_test(np.ones((1, 11)), np.ones((1, 11)))
    with pytest.raises(ValueError, match="expected the same scores on both sides, found 2 and 1"):
        permutation_test(np.ones((2, 3)), np.ones((1, 3)))


def of(values: np.ndarray) -> Estimate:
    return Estimate(float(values.mean()), float(values.var(ddof=1)), len(values) - 1, len(values))


def test_estimates_are_compared_as_their_values_are_by_scipy() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(0, 1, 4), rng.normal(1, 3, 7)
    theirs = ttest_ind(a, b, equal_var=False)
    assert welch_test(of(a), of(b)) == pytest.approx(theirs.pvalue, rel=1e-12)
    found, interval = difference_of(of(a), of(b)), theirs.confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert difference_interval(a, b) == found
    mine, of_scipy = interval_of(of(a)), ttest_1samp(a, 0).confidence_interval(0.95)
    assert (mine.lower, mine.upper) == pytest.approx((of_scipy.low, of_scipy.high), rel=1e-12)


def test_a_known_variance_serves_a_single_value() -> None:
    found = interval_of(Estimate(5.0, 4.0, 4, 1))
    assert found.upper == pytest.approx(5 + 2 * stats.t.ppf(0.975, 4))
    assert welch_test(Estimate(5.0, 4.0, 4, 1), Estimate(9.0, 4.0, 4, 1)) == pytest.approx(
        2 * stats.t.sf(4 / np.sqrt(8), 8)
    )


def test_values_without_any_variance_differ_or_do_not() -> None:
    exact = [Estimate(mean, 0.0, 4, 5) for mean in (1.0, 1.0, 2.0)]
    assert welch_test(exact[0], exact[1]) == 1 and welch_test(exact[0], exact[2]) == 0
