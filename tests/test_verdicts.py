"""Verdicts on models of which it is known how they differ."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, t

from pipeline.analysis import uncertainty
from pipeline.analysis.verdicts import outcomes, ranks, separated, verdicts
from pipeline.metrics.catalogue import CATALOGUE

RANKED = [metric for metric in CATALOGUE.values() if metric.ranks]
COLUMNS = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "n"]


def scores(model: str, metric: str, *values: Sequence[float], space: str | None = "classifier") -> pd.DataFrame:
    """Rows of one model: for each seed the values of its draws."""
    rows = [
        (model, seed, "images", draw, metric, space, None, value, 100)
        for seed, draws in enumerate(values)
        for draw, value in enumerate(draws)
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def around(mean: float, seeds: int = 8, sd: float = 0.1) -> list[list[float]]:
    """Two draws of each seed, which have a mean of their own near `mean`."""
    return [[mean + sd * at - 0.01, mean + sd * at + 0.01] for at in np.linspace(-1, 1, seeds)]


def one(metrics: Sequence[pd.DataFrame], models: Sequence[str] = ("a", "b")) -> pd.Series:
    """The only verdict."""
    (found,) = (row for _, row in verdicts(pd.concat(metrics), models).iterrows())
    return found


def test_models_that_differ_in_one_metric_only_are_told_apart_there_and_nowhere_else() -> None:
    tables = [
        scores(model, metric.name, *around(5 if (model, metric.name) == ("b", "kd") else 1))
        for model in ("a", "b", "test_images")
        for metric in RANKED
    ]
    found = verdicts(pd.concat(tables), ["a", "b"])
    assert len(found) == len(RANKED) and set(found["basis"]) == {"seeds"}
    decided = found[found["decided"] != ""]
    assert decided[["question", "metric", "space", "a", "b", "decided"]].to_numpy().tolist() == [
        ["fidelity", "kd", "classifier", "a", "b", "a"]
    ]
    assert decided["gap"].item() == pytest.approx(-4) and (found["p"].drop(decided.index) == 1).all()
    answers = outcomes(found).set_index("question")
    assert answers["outcome"].to_dict() == {
        "fidelity": "a", **dict.fromkeys(["coverage", "labels", "novelty", "sharpness"], "not separable")
    }  # fmt: skip
    assert answers.loc["fidelity", ["for_a", "for_b"]].tolist() == [1, 0]
    assert answers["open"].sum() == len(RANKED) - 1


def test_p_is_scipys_and_is_adjusted_over_the_tests_of_its_question() -> None:
    rng = np.random.default_rng(0)
    values = {
        (model, metric, space): rng.normal(shift, 1, (5, 2))
        for model, shift in (("a", 0), ("b", 1), ("c", 2))
        for metric in ("fd_percent", "precision", "recall")
        for space in ("classifier", "pixels")
    }
    found = verdicts(
        pd.concat([scores(model, metric, *v, space=space) for (model, metric, space), v in values.items()]),
        ["a", "b", "c"],
    )
    assert len(found) == 3 * 3 * 2

    def gap(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(x.mean(axis) - y.mean(axis))

    for row in found.itertuples():
        x, y = (values[str(model), str(row.metric), str(row.space)].mean(1) for model in (row.a, row.b))
        theirs = permutation_test((x, y), gap, n_resamples=np.inf, alternative="greater")
        assert row.p == pytest.approx(theirs.pvalue, rel=1e-12)
        assert row.gap == pytest.approx(x.mean() - y.mean())
    for question, metrics in (("fidelity", ("fd_percent", "precision")), ("coverage", ("recall",))):
        for a, b in (("a", "b"), ("a", "c"), ("b", "c")):
            mine = found[(found["question"] == question) & (found["a"] == a) & (found["b"] == b)]
            sides = [
                np.stack([values[model, metric, s].mean(1) for metric in metrics for s in ("classifier", "pixels")])
                for model in (a, b)
            ]
            jointly = uncertainty.permutation_test(*sides).adjusted
            assert sorted(mine["adjusted"]) == pytest.approx(sorted(np.minimum(1, 3 * jointly)))


@pytest.mark.parametrize(("metric", "better"), [("fd_percent", "a"), ("precision", "b")])
def test_the_catalogue_says_which_direction_is_better(metric: str, better: str) -> None:
    assert one([scores("a", metric, *around(1)), scores("b", metric, *around(5))])["decided"] == better
    assert one([scores("a", metric, *around(1)), scores("b", metric, *around(5))], ["b", "a"])["decided"] == better


def test_a_perfect_value_has_two_sides() -> None:
    def compared(a: float, b: float) -> pd.Series:
        return one([scores("a", "sharpness_ratio", *around(a, sd=0.01)), scores("b", "sharpness_ratio", *around(b))])

    assert compared(0.9, 1.6)["decided"] == "a" and compared(1.6, 0.4)["decided"] == ""
    assert compared(0.9, 1.6)["gap"] == pytest.approx(0.1 - 0.6)


def test_closer_to_real_is_measured_from_the_real_test_images() -> None:
    tables = [scores("a", "authenticity", *around(0.5, sd=0.01)), scores("b", "authenticity", *around(0.8, sd=0.01))]
    for real, better in ((0.55, "a"), (0.9, "b")):
        found = one([*tables, scores("test_images", "authenticity", [real, real + 0.02])])
        assert found["decided"] == better
        assert found["gap"] == pytest.approx(abs(0.5 - real - 0.01) - abs(0.8 - real - 0.01))
    assert len(verdicts(pd.concat(tables), ["a", "b"])) == 0


def test_the_distance_is_that_of_a_seed_not_that_of_the_mean_of_seeds() -> None:
    astray = [[0.2, 0.2], [1.8, 1.8]] * 4
    found = one([scores("a", "sharpness_ratio", *astray), scores("b", "sharpness_ratio", *around(1.3, sd=0.01))])
    assert found["decided"] == "b" and found["gap"] == pytest.approx(0.8 - 0.3)


def test_a_gap_within_the_spread_of_real_images_is_no_difference() -> None:
    models = [scores("a", "kd", *around(1)), scores("b", "kd", *around(5))]
    for half, decided in ((2, "a"), (3, "")):
        found = one([*models, scores("test_images", "kd", [-half, half])])
        assert found["decided"] == decided and found["floor_sd"] == pytest.approx(half * np.sqrt(2))
        assert found["adjusted"] < 0.05
    alone = one([*models, scores("test_images", "kd", [1])])
    assert alone["decided"] == "a" and pd.isna(alone["floor_sd"])


@pytest.mark.parametrize("seeds", [2, 3])
def test_fewer_than_four_seeds_decide_nothing(seeds: int) -> None:
    found = one([scores("a", "kd", *around(1, seeds)), scores("b", "kd", *around(500, seeds))])
    assert found["p"] == pytest.approx({2: 1 / 3, 3: 0.1}[seeds]) and found["decided"] == ""


def test_five_seeds_decide_any_number_of_scores() -> None:
    names = [metric.name for metric in RANKED if metric.question == "fidelity" and isinstance(metric.better, str)]
    tables = [scores(m, name, *around(v, 5), space=s) for m, v in (("a", 1), ("b", 5)) for name in names for s in "xyz"]
    found = verdicts(pd.concat(tables), ["a", "b"])
    assert len(found) == 3 * len(names) > 10 and (found["decided"] != "").all()


def test_scores_that_one_training_lacks_are_tested_apart_at_twice_the_price() -> None:
    tables = [scores(m, "kd", *around(v, 5)) for m, v in (("a", 1), ("b", 5))]
    fewer = [scores("a", "recall", *around(1, 4)), scores("b", "recall", *around(5, 5))]
    least = 2 / 252
    found = verdicts(pd.concat([*tables, *fewer]), ["a", "b"]).set_index("metric")["adjusted"]
    assert found["kd"] == pytest.approx(least)  # another question
    mixed = [scores("a", "fd_percent", *around(1, 4)), scores("b", "fd_percent", *around(5, 5))]
    found = verdicts(pd.concat([*tables, *mixed]), ["a", "b"]).set_index("metric")["adjusted"]
    assert found["kd"] == pytest.approx(2 * least)


def single(a: Sequence[float], b: Sequence[float]) -> pd.Series:
    return one([scores("a", "kd", a), scores("b", "kd", b)])


def test_one_training_each_is_judged_by_its_draws() -> None:
    found = single([1, 1.1, 0.9], [2, 2.1, 1.9])
    assert (found["basis"], found["decided"], found["gap"]) == ("one training each", "a", pytest.approx(-1))
    assert pd.isna(found["p"]) and pd.isna(found["adjusted"])
    assert single([2, 2.1, 1.9], [1, 1.1, 0.9])["decided"] == "b"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 2.5], [2, 30]),  # overlap
        ([1, 2], [3, 4]),  # a gap of 2, and a spread of .7
        ([1], [5, 6]),  # one draw
        ([1, 1], [1, 1]),  # equal
    ],
)
def test_one_training_each_is_not_separable_within_three_spreads_of_its_draws(
    a: Sequence[float], b: Sequence[float]
) -> None:
    assert single(a, b)["decided"] == ""


@pytest.mark.parametrize(("draws", "beyond"), [(2, 3), (3, 3 * np.sqrt(1.5))])
def test_draws_of_equal_trainings_are_told_apart_as_often_as_students_t_says(draws: int, beyond: float) -> None:
    rng = np.random.default_rng(6)
    found = [separated(*rng.normal(size=(2, draws))) for _ in range(5000)]
    assert np.mean(found) == pytest.approx(2 * t.sf(beyond, 2 * draws - 2), abs=0.01)


def test_one_draw_among_those_of_the_other_training_is_enough_to_decide_nothing() -> None:
    assert separated(np.zeros(40), np.full(40, 5.0))
    assert not separated(np.array([*np.zeros(39), 10]), np.full(40, 5.0))
    assert not separated(np.full(40, 5.0), np.array([*np.zeros(39), 10]))


def test_one_training_each_must_exceed_the_floor_too() -> None:
    models = [scores("a", "kd", [1, 1.01]), scores("b", "kd", [2, 2.01])]
    assert one([*models, scores("test_images", "kd", [0, 1])])["decided"] == "a"
    assert one([*models, scores("test_images", "kd", [0, 2])])["decided"] == ""


def test_one_seed_against_several_decides_nothing() -> None:
    found = one([scores("a", "kd", [1, 1.1]), scores("b", "kd", *around(50))])
    assert (found["basis"], found["p"], found["decided"]) == ("seeds", pytest.approx(1 / 9), "")


def test_a_metric_that_one_lacks_is_not_compared_and_a_model_without_scores_is_refused() -> None:
    both = [scores("a", "kd", *around(1)), scores("b", "kd", *around(5))]
    more = [scores("a", "recall", *around(1)), scores("b", "ndb", *[[np.nan, 1]] * 8), scores("a", "ndb", *around(1))]
    assert one([*both, *more])["metric"] == "kd"
    with pytest.raises(ValueError, match="expected scores of each compared model; found none of vae, dcgan"):
        verdicts(pd.concat(both), ["a", "vae", "dcgan"])


def test_what_may_not_rank_and_what_is_no_score_of_the_catalogue_is_left_out() -> None:
    tables = [scores(m, name, *around(v)) for m, v in (("a", 1), ("b", 5)) for name in ("density", "seconds", "kd")]
    assert one(tables)["metric"] == "kd"


def test_a_single_model_has_no_verdict() -> None:
    found = verdicts(scores("a", "kd", *around(1)), ["a"])
    assert len(found) == len(ranks(found)) == len(outcomes(found)) == 0
    assert list(found.columns)[-2:] == ["decided", "basis"]


def ranked(values: dict[str, list[list[float]]]) -> dict[str, tuple[int, int]]:
    found = verdicts(pd.concat([scores(model, "kd", *each) for model, each in values.items()]), list(values))
    return {row.model: (row.best, row.worst) for row in ranks(found).itertuples()}


def test_clear_differences_are_ranks_and_the_rest_are_ties() -> None:
    assert ranked({"good": around(1), "twin": around(1.01), "bad": around(9)}) == {
        "good": (1, 2), "twin": (1, 2), "bad": (3, 3)
    }  # fmt: skip
    assert ranked({f"m{i}": around(i) for i in range(5)}) == {f"m{i}": (i + 1, i + 1) for i in range(5)}


def test_ten_pairs_make_ties_of_what_five_seeds_cannot_say() -> None:
    # Two of 252 splits, times ten pairs, is above .05.
    assert set(ranked({f"m{i}": around(i, 5) for i in range(5)}).values()) == {(1, 5)}


def test_a_question_is_mixed_where_each_is_better_in_something() -> None:
    tables = [
        *(scores("a", "kd", *around(1)), scores("b", "kd", *around(5)), scores("c", "kd", *around(9))),
        *(scores("a", "fd_percent", *around(5)), scores("b", "fd_percent", *around(1))),
        *(scores(model, "recall", *around(1)) for model in "abc"),
    ]
    answers = outcomes(verdicts(pd.concat(tables), ["a", "b", "c"]))
    assert answers[["question", "a", "b", "for_a", "for_b", "open", "outcome"]].to_numpy().tolist() == [
        ["fidelity", "a", "b", 1, 1, 0, "mixed"],
        ["fidelity", "a", "c", 1, 0, 0, "a"],
        ["fidelity", "b", "c", 1, 0, 0, "b"],
        ["coverage", "a", "b", 0, 0, 1, "not separable"],
        ["coverage", "a", "c", 0, 0, 1, "not separable"],
        ["coverage", "b", "c", 0, 0, 1, "not separable"],
    ]


def test_each_question_has_an_outcome_of_its_own() -> None:
    tables = [
        *(scores("a", "kd", *around(1)), scores("b", "kd", *around(5))),
        *(scores("a", "recall", *around(1)), scores("b", "recall", *around(5))),
    ]
    assert outcomes(verdicts(pd.concat(tables), ["a", "b"]))["outcome"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "draw", [lambda rng, size: rng.normal(size=size), lambda rng, size: rng.exponential(size=size)]
)
def test_equal_models_are_told_apart_in_about_one_of_twenty_questions(
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray],
) -> None:
    rng, wrong, runs = np.random.default_rng(5), 0, 200
    for _ in range(runs):
        tables = [
            scores(model, metric, *draw(rng, (5, 2)), space=space)
            for model in ("a", "b")
            for metric in ("kd", "precision")
            for space in ("classifier", "random_1")
        ]
        wrong += (verdicts(pd.concat(tables), ["a", "b"])["decided"] != "").any()
    assert wrong / runs < 0.08  # .05, and what chance adds in 200 runs
