"""Intervals, exact tests, Holm and ranks: scipy, closed testing, and how often they are wrong."""

import itertools

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_1samp

from pipeline.metrics.uncertainty import Rank, holm, permutation_p, ranks, seed_interval


def test_the_interval_is_scipys() -> None:
    values = np.random.default_rng(0).normal(3, 2, 5)
    theirs = ttest_1samp(values, 0).confidence_interval(0.95)
    found = seed_interval(values)
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert (found.mean, found.sd) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert found.seeds == 5 and found.method == "95 % t interval over 5 seeds"
    assert seed_interval(values, 0.5).method == "50 % t interval over 5 seeds"


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    found = [seed_interval(rng.normal(7, 3, 3)) for _ in range(1000)]
    assert np.mean([f.lower < 7 < f.upper for f in found]) == pytest.approx(0.95, abs=0.02)


def test_one_seed_has_no_interval_and_says_so() -> None:
    found = seed_interval(np.array([4.5]))
    assert (found.mean, found.sd, found.lower, found.upper) == (4.5, None, None, None)
    assert found.method == "one seed: no interval"


def test_equal_seeds_have_an_interval_of_no_width() -> None:
    found = seed_interval(np.full(4, 2.5))
    assert found.lower == found.mean == found.upper == 2.5


@pytest.mark.parametrize(("n", "m"), [(5, 5), (3, 6)])
def test_the_permutation_test_is_scipys(n: int, m: int) -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=n), rng.normal(0.8, 1, m)
    theirs = permutation_test(
        (a, b), lambda x, y, axis: np.abs(x.mean(axis) - y.mean(axis)), n_resamples=np.inf, alternative="greater"
    )
    assert permutation_p(a, b) == pytest.approx(theirs.pvalue, rel=1e-12)
    assert permutation_p(a, b) == permutation_p(b, a)


@pytest.mark.parametrize(("seeds", "least"), [(1, 1), (5, 2 / 252), (8, 2 / 12870)])
def test_the_smallest_p_is_two_splits_of_all(seeds: int, least: float) -> None:
    a = np.arange(seeds) * 0.1
    assert permutation_p(a, a + 10) == pytest.approx(least, rel=1e-12)
    assert permutation_p(a, a) == 1


def test_the_permutation_test_is_wrong_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(3)
    p = np.array([permutation_p(rng.exponential(size=4), rng.exponential(size=5)) for _ in range(1000)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) < level + 0.03


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    p = np.array([0.04, 0.01, 0.03, 0.2, 0.01])
    # A hypothesis falls if Bonferroni rejects every set of hypotheses that it is in.
    truth = [
        max(
            min(1.0, len(group) * p[list(group)].min())
            for size in range(1, 6)
            for group in itertools.combinations(range(5), size)
            if i in group
        )
        for i in range(5)
    ]
    assert holm(p) == pytest.approx(truth, rel=1e-12)
    assert holm(p) == pytest.approx([0.09, 0.05, 0.09, 0.2, 0.05])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1] and holm(np.empty(0)).tolist() == []


def model(mean: float, seeds: int = 6, sd: float = 0.1) -> np.ndarray:
    return mean + sd * np.linspace(-1, 1, seeds)


def test_clear_differences_are_ranks_and_the_rest_are_ties() -> None:
    models = {"good": model(1), "twin": model(1.01), "bad": model(9)}
    assert ranks(models, "lower") == {"good": Rank(1, 2), "twin": Rank(1, 2), "bad": Rank(3, 3)}
    assert ranks(models, "higher") == {"good": Rank(2, 3), "twin": Rank(2, 3), "bad": Rank(1, 1)}
    assert ranks(dict(reversed(models.items())), "lower")["bad"] == Rank(3, 3)


def test_a_target_has_two_sides() -> None:
    models = {"below": model(0.2, sd=0.01), "above": model(0.8, sd=0.01), "near": model(0.45, sd=0.01)}
    assert ranks(models, 0.5) == {"below": Rank(2, 3), "above": Rank(2, 3), "near": Rank(1, 1)}


def test_one_seed_and_differences_within_the_floor_are_ties() -> None:
    assert set(ranks({"a": model(1, 1), "b": model(5, 1)}, "lower").values()) == {Rank(1, 2)}
    assert set(ranks({"a": model(1), "b": model(5)}, "lower", floor=4.5).values()) == {Rank(1, 2)}
    assert ranks({"a": model(1), "b": model(5)}, "lower", floor=3.5)["a"] == Rank(1, 1)
    assert ranks({"alone": model(1)}, "lower") == {"alone": Rank(1, 1)}


def test_holm_over_all_pairs_makes_ties_of_what_five_seeds_cannot_say() -> None:
    # Two of 252 splits, times ten pairs, is above .05.
    few = ranks({f"m{i}": model(i, 5) for i in range(5)}, "lower")
    many = ranks({f"m{i}": model(i, 8) for i in range(5)}, "lower")
    assert set(few.values()) == {Rank(1, 5)}
    assert [many[f"m{i}"] for i in range(5)] == [Rank(i + 1, i + 1) for i in range(5)]


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="values: expected one finite number for each seed"):
        seed_interval(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="b: expected one finite number for each seed"):
        permutation_p(np.ones(3), np.empty(0))
    with pytest.raises(ValueError, match="at most 200000 splits, found 705432, from 11 and 11 seeds"):
        permutation_p(np.ones(11), np.ones(11))
    with pytest.raises(ValueError, match="p values between 0 and 1"):
        holm(np.array([0.5, 1.5]))
