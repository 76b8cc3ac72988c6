"""Verdicts on models of which it is known how they differ."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test, t, ttest_ind

from pipeline.analysis import uncertainty
from pipeline.analysis.seed_spread import Spread
from pipeline.analysis.verdicts import Side, least_p, outcomes, ranks, separated, verdicts
from pipeline.metrics.base import CONCERNS
from pipeline.metrics.catalogue import CATALOGUE

RANKED = [metric for metric in CATALOGUE.values() if metric.ranks]
PRIMARY = [metric for metric in RANKED if metric.role == "primary"]
OF_DRAWS = [metric for metric in RANKED if metric.scale != "nats"]  # those in nats are compared image by image
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


def compared(
    metrics: Sequence[pd.DataFrame], models: Sequence[str] = ("a", "b"), spreads: dict[str, Spread] | None = None
) -> pd.DataFrame:
    """The verdicts on models that are a family of their own each; the spreads are of all families and spaces."""
    known = {(model, name, "classifier"): each for name, each in (spreads or {}).items() for model in models}
    return verdicts(pd.concat(metrics), {model: model for model in models}, known)


def one(
    metrics: Sequence[pd.DataFrame], models: Sequence[str] = ("a", "b"), spreads: dict[str, Spread] | None = None
) -> pd.Series:
    """The only verdict."""
    (found,) = (row for _, row in compared(metrics, models, spreads).iterrows())
    return found


def test_models_that_differ_in_one_metric_only_are_told_apart_there_and_nowhere_else() -> None:
    tables = [
        scores(model, metric.name, *around(50 if (model, metric.name) == ("b", "spectrum_distance") else 1, sd=0.01))
        for model in ("a", "b", "test_images")
        for metric in RANKED
    ]
    found = compared(tables)
    assert sorted(found["metric"]) == sorted(metric.name for metric in OF_DRAWS)
    assert set(found["basis"]) == {"permutation of seeds"}
    decided = found[found["decided"] != ""]
    assert decided[["question", "metric", "space", "role", "a", "b", "decided"]].to_numpy().tolist() == [
        ["sharpness", "spectrum_distance", "classifier", "primary", "a", "b", "a"]
    ]
    assert decided["loss_a"].item() < 0.02 and decided["loss_b"].item() == pytest.approx(49, abs=0.02)
    assert {each.question: each.outcome for each in outcomes(found)} == {
        "fidelity": "not separable", "coverage": "not separable", "sharpness": "a", "likelihood": "not separable"
    }  # fmt: skip


def test_p_is_scipys_and_is_adjusted_over_the_scores_that_are_tested_together() -> None:
    rng = np.random.default_rng(0)
    values = {
        (model, metric, space): rng.normal(shift, 1, (5, 2))
        for model, shift in (("a", 0), ("b", 1), ("c", 2))
        for metric in ("fd_percent", "kd", "fd_infinity_percent")
        for space in ("classifier", "pixels")
    }
    found = compared(
        [scores(model, metric, *v, space=space) for (model, metric, space), v in values.items()], ["a", "b", "c"]
    )
    assert len(found) == 3 * 3 * 2

    def gap(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return np.abs(x.mean(axis) - y.mean(axis))

    for row in found.itertuples():
        x, y = (values[str(model), str(row.metric), str(row.space)].mean(1) for model in (row.a, row.b))
        theirs = permutation_test((x, y), gap, n_resamples=np.inf, alternative="greater")
        assert row.p == pytest.approx(theirs.pvalue, rel=1e-12)
        assert (row.loss_a, row.loss_b) == pytest.approx((x.mean(), y.mean()))
    for role, metrics in (("supporting", ("fd_percent", "kd")), ("primary", ("fd_infinity_percent",))):
        for a, b in (("a", "b"), ("a", "c"), ("b", "c")):
            mine = found[(found["role"] == role) & (found["a"] == a) & (found["b"] == b)]
            sides = [
                np.stack([values[model, metric, s].mean(1) for metric in metrics for s in ("classifier", "pixels")])
                for model in (a, b)
            ]
            jointly = uncertainty.permutation_test(*sides).adjusted
            assert sorted(mine["adjusted"]) == pytest.approx(sorted(np.minimum(1, 3 * jointly)))


@pytest.mark.parametrize(("metric", "better"), [("fd_percent", "a"), ("precision", "b")])
def test_the_catalogue_says_which_direction_is_better(metric: str, better: str) -> None:
    real = scores("test_images", metric, [1.0, 1.0] if better == "a" else [9.0, 9.0])
    tables = [scores("a", metric, *around(2)), scores("b", metric, *around(5)), real]
    assert one(tables)["decided"] == better
    assert one(tables, ["b", "a"])["decided"] == better


def test_a_ratio_is_compared_by_its_logarithm_on_both_sides_of_its_perfect_value() -> None:
    def between(a: float, b: float) -> pd.Series:
        return one([scores("a", "sharpness_ratio", [a]), scores("b", "sharpness_ratio", [b])])

    assert between(0.5, 2.0)["ratio"] == pytest.approx(1)
    assert between(0.5, 4.0)["ratio"] == pytest.approx(2) and between(0.9, 0.1)["loss_b"] == pytest.approx(np.log(10))


def test_a_loss_is_what_exceeds_the_worse_of_two_sets_of_real_images() -> None:
    models = [scores("a", "kd", *around(5)), scores("b", "kd", *around(9))]
    real = [scores("test_images", "kd", [1, 1]), scores("train_copies", "kd", [3, 3])]
    found = one([*models, *real])
    assert (found["loss_a"], found["loss_b"], found["ratio"]) == pytest.approx((2, 6, 3))
    assert one([*models, real[0]])["ratio"] == pytest.approx(2)
    better_than_real = one([scores("a", "kd", *around(0.5)), scores("b", "kd", *around(2)), *real])
    assert (better_than_real["loss_a"], better_than_real["ratio"], better_than_real["decided"]) == (0, 1, "")


def test_a_score_that_real_images_lack_needs_no_ratio() -> None:
    found = one(
        [scores("a", "label_fidelity", *around(0.9, sd=0.01)), scores("b", "label_fidelity", *around(0.8, sd=0.01))]
    )
    assert np.isnan(found["ratio"]) and found["decided"] == "a"


def test_closer_to_real_is_measured_from_the_real_test_images() -> None:
    tables = [scores("a", "vendi_ratio", *around(0.5, sd=0.01)), scores("b", "vendi_ratio", *around(0.8, sd=0.01))]
    for real, better in ((0.55, "a"), (0.9, "b")):
        assert one([*tables, scores("test_images", "vendi_ratio", [real, real])])["decided"] == better
    assert len(compared(tables)) == 0


def test_the_distance_is_that_of_a_seed_not_that_of_the_mean_of_seeds() -> None:
    astray = [[0.2, 0.2], [1.8, 1.8]] * 4
    real = scores("test_images", "vendi_ratio", [1, 1])
    found = one([scores("a", "vendi_ratio", *astray), scores("b", "vendi_ratio", *around(1.1, sd=0.01)), real])
    assert found["decided"] == "b"


@pytest.mark.parametrize(("b", "decided"), [(1.24, ""), (1.26, "a")])
def test_a_difference_counts_from_five_quarters(b: float, decided: str) -> None:
    found = one([scores("a", "kd", *around(1, sd=0.001)), scores("b", "kd", *around(b, sd=0.001))])
    assert found["adjusted"] < 0.01 and found["decided"] == decided


@pytest.mark.parametrize(("sd", "decided"), [(0.9, "a"), (1.2, "")])
def test_a_gap_exceeds_twice_the_spread_between_seeds(sd: float, decided: str) -> None:
    found = one([scores("a", "kd", *around(5, 8, sd)), scores("b", "kd", *around(6.4, 8, sd))])
    assert found["spread"] == pytest.approx(np.std(np.linspace(-sd, sd, 8), ddof=1))
    assert found["adjusted"] < 0.05 and found["decided"] == decided


@pytest.mark.parametrize(("seeds", "basis"), [(3, "spread between seeds"), (4, "permutation of seeds")])
def test_seeds_are_permuted_where_that_can_decide_and_else_a_t_test_is_made(seeds: int, basis: str) -> None:
    found = one([scores("a", "kd", *around(1, seeds)), scores("b", "kd", *around(500, seeds))])
    assert (found["basis"], found["decided"]) == (basis, "a")
    assert (least_p(seeds, seeds, 1) <= 0.05) == (basis == "permutation of seeds")


def test_few_seeds_are_compared_by_welchs_test() -> None:
    a, b = np.array([1.0, 1.3, 1.1]), np.array([2.0, 2.9, 2.2])
    found = one([scores("a", "kd", *a[:, None]), scores("b", "kd", *b[:, None])])
    assert found["p"] == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert found["spread"] == pytest.approx(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2))


def test_one_seed_is_held_against_the_spread_of_its_family() -> None:
    tables = [scores("a", "kd", [10, 10.1]), scores("b", "kd", [20, 20.1])]
    near, far = (one(tables, spreads={"kd": Spread(30.0, sd, 5)}) for sd in (1.0, 4.0))
    assert near["basis"] == far["basis"] == "spread between seeds"
    # The gap is 10, its standard error the square root of twice the variance, with 4 degrees of freedom each.
    assert near["p"] == pytest.approx(2 * t.sf(10 / np.sqrt(2), 8))
    assert (near["decided"], far["decided"]) == ("a", "")


def test_the_spread_grows_with_the_loss_but_does_not_shrink() -> None:
    known = Spread(loss=10.0, sd=1.0, seeds=5)
    assert (known.at(5.0), known.at(10.0), known.at(40.0)) == (1, 1, 4)
    assert Spread(0.0, 1.0, 5).at(40.0) == 1


def test_own_seeds_are_pooled_with_the_spread_of_the_family() -> None:
    own = np.array([9.0, 11.0])
    side = Side("a", own, own[:1], Spread(10.0, 3.0, 5))
    assert side.estimate and side.estimate.freedom == 5
    assert side.estimate.variance == pytest.approx((2 + 4 * 9) / 5)


def test_scores_that_one_training_lacks_are_tested_apart_at_twice_the_price() -> None:
    tables = [scores(m, "kd", *around(v, 5)) for m, v in (("a", 1), ("b", 5))]
    fewer = [scores("a", "recall", *around(1, 4)), scores("b", "recall", *around(5, 5))]
    least = 2 / 252
    found = compared([*tables, *fewer]).set_index("metric")["adjusted"]
    assert found["kd"] == pytest.approx(least)  # another question
    mixed = [scores("a", "fd_percent", *around(1, 4)), scores("b", "fd_percent", *around(5, 5))]
    found = compared([*tables, *mixed]).set_index("metric")["adjusted"]
    assert found["kd"] == pytest.approx(2 * least)


def single(a: Sequence[float], b: Sequence[float]) -> pd.Series:
    return one([scores("a", "kd", a), scores("b", "kd", b)])


def test_one_training_each_of_unknown_families_is_judged_by_its_draws() -> None:
    found = single([1, 1.1, 0.9], [2, 2.1, 1.9])
    assert (found["basis"], found["decided"]) == ("draws of one training each", "a")
    assert pd.isna(found["p"]) and pd.isna(found["adjusted"]) and pd.isna(found["spread"])
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


def drawn(*values: float) -> Side:
    return Side("a", np.array([np.mean(values)]), np.array(values), None)


@pytest.mark.parametrize(("draws", "beyond"), [(2, 3), (3, 3 * np.sqrt(1.5))])
def test_draws_of_equal_trainings_are_told_apart_as_often_as_students_t_says(draws: int, beyond: float) -> None:
    rng = np.random.default_rng(6)
    found = [separated(*(drawn(*each) for each in rng.normal(size=(2, draws)))) for _ in range(5000)]
    assert np.mean(found) == pytest.approx(2 * t.sf(beyond, 2 * draws - 2), abs=0.01)


def test_one_draw_among_those_of_the_other_training_is_enough_to_decide_nothing() -> None:
    zeros, fives = [0.0] * 40, [5.0] * 40
    assert separated(drawn(*zeros), drawn(*fives))
    assert not separated(drawn(*zeros[1:], 10), drawn(*fives))
    assert not separated(drawn(*fives), drawn(*zeros[1:], 10))


def test_one_seed_against_several_of_an_unknown_family_decides_nothing() -> None:
    found = one([scores("a", "kd", [1, 1.1]), scores("b", "kd", *around(50))])
    assert (found["basis"], found["decided"]) == ("draws of one training each", "")
    known = one([scores("a", "kd", [1, 1.1]), scores("b", "kd", *around(50))], spreads={"kd": Spread(1.0, 0.1, 5)})
    assert (known["basis"], known["decided"]) == ("spread between seeds", "a")


def test_a_metric_that_one_lacks_is_not_compared_and_a_model_without_scores_is_refused() -> None:
    both = [scores("a", "kd", *around(1)), scores("b", "kd", *around(5))]
    more = [scores("a", "recall", *around(1)), scores("b", "ndb", *[[np.nan, 1]] * 8), scores("a", "ndb", *around(1))]
    assert one([*both, *more])["metric"] == "kd"
    with pytest.raises(ValueError, match="expected scores of each compared model; found none of vae, dcgan"):
        compared(both, ["a", "vae", "dcgan"])


def test_what_may_not_rank_and_what_is_no_score_of_the_catalogue_is_left_out() -> None:
    names = ("density", "seconds", "kd", "copying", "ambiguous")
    assert one([scores(m, name, *around(v)) for m, v in (("a", 1), ("b", 5)) for name in names])["metric"] == "kd"


@pytest.mark.parametrize("baseline", ["blurred", "gaussian", "noise"])
def test_a_score_that_prefers_bad_images_to_real_ones_decides_nothing(baseline: str) -> None:
    tables = [scores("a", "kd", *around(2)), scores("b", "kd", *around(5)), scores("test_images", "kd", [1, 1.1])]
    assert one([*tables, scores(baseline, "kd", [9.0, 9.0])])["decided"] == "a"
    found = one([*tables, scores(baseline, "kd", [0.5, 0.5])])
    assert (found["points"], found["decided"]) == ("a", "") and found["unfit"].startswith("prefers ")
    assert len(ranks(compared([*tables, scores(baseline, "kd", [0.5, 0.5])]))) == 0


def test_a_score_by_which_noise_beats_both_models_decides_nothing() -> None:
    tables = [scores("a", "recall", *around(2)), scores("b", "recall", *around(5))]
    real = scores("test_images", "recall", [9, 9.1])
    assert one([*tables, real, scores("noise", "recall", [4, 4])])["decided"] == "b"
    found = one([*tables, real, scores("noise", "recall", [6, 6])])
    assert found["decided"] == "" and found["unfit"] == "finds noise nearer to real images than either model"


def test_a_model_that_does_not_beat_noise_is_not_compared() -> None:
    tables = [
        *(scores(model, "fd_infinity_percent", *around(value)) for model, value in (("a", 10), ("b", 50), ("c", 90))),
        *(scores("test_images", "fd_infinity_percent", [0, 0]), scores("noise", "fd_infinity_percent", [100, 100])),
    ]
    found = compared(tables, ["a", "b", "c"])
    assert found[["a", "b", "decided"]].to_numpy().tolist() == [["a", "b", "a"]]


def test_a_single_model_has_no_verdict() -> None:
    found = verdicts(scores("a", "kd", *around(1)), {"a": "a"}, {})
    assert len(found) == len(ranks(found)) == len(outcomes(found)) == 0
    assert list(found.columns)[-3:] == ["unfit", "points", "decided"]


def ranked(values: dict[str, list[list[float]]]) -> dict[str, tuple[int, int]]:
    found = compared([scores(model, "kd", *each) for model, each in values.items()], list(values))
    return {row.model: (row.best, row.worst) for row in ranks(found).itertuples()}


def test_clear_differences_are_ranks_and_the_rest_are_ties() -> None:
    assert ranked({"good": around(1), "twin": around(1.01), "bad": around(9)}) == {
        "good": (1, 2), "twin": (1, 2), "bad": (3, 3)
    }  # fmt: skip
    assert ranked({f"m{i}": around(1.5**i, sd=0.01) for i in range(5)}) == {f"m{i}": (i + 1, i + 1) for i in range(5)}


def test_five_models_with_five_seeds_are_ranked_by_welchs_test() -> None:
    # Two of 252 splits, times ten pairs, is above .05.
    assert least_p(5, 5, 10) > 0.05
    assert ranked({f"m{i}": around(2.0**i, 5, 0.01) for i in range(5)}) == {f"m{i}": (i + 1, i + 1) for i in range(5)}


FD, SPECTRUM, RATIO = "fd_infinity_percent", "spectrum_distance", "sharpness_ratio"


def answer(a: dict[str, float], b: dict[str, float]) -> dict[str, str]:
    """The outcome of each question for two models with these scores."""
    tables = [scores(model, name, *around(v, sd=0.01)) for model, of in (("a", a), ("b", b)) for name, v in of.items()]
    return {each.question: each.outcome for each in outcomes(compared(tables))}


def test_a_question_is_a_trade_where_primary_scores_disagree() -> None:
    assert answer({SPECTRUM: 1, RATIO: 3}, {SPECTRUM: 5, RATIO: 1.5}) == {"sharpness": "a trade"}
    assert answer({SPECTRUM: 1, RATIO: 1.5}, {SPECTRUM: 5, RATIO: 3}) == {"sharpness": "a"}
    assert answer({SPECTRUM: 1, RATIO: 3}, {SPECTRUM: 5, RATIO: 3}) == {"sharpness": "a"}
    assert answer({SPECTRUM: 1, RATIO: 3}, {SPECTRUM: 1, RATIO: 3}) == {"sharpness": "not separable"}


def test_no_supporting_score_turns_a_verdict() -> None:
    """For each question, every other score of it may say the opposite."""
    for question in CONCERNS:
        others = [m for m in OF_DRAWS if m.question == question and m.role == "supporting"]
        mine = next(m for m in OF_DRAWS if m.question == question and m.role == "primary")
        good, bad = (9.0, 1.0) if mine.better == "higher" else (1.5, 9.0)
        tables = [scores(model, mine.name, *around(v, sd=0.01)) for model, v in (("a", good), ("b", bad))]
        for m in others:
            best, worst = (9.0, 1.0) if m.better == "higher" else (1.5, 9.0)
            tables += [scores(model, m.name, *around(v, sd=0.01)) for model, v in (("b", best), ("a", worst))]
            real = 9.5 if m.better == "higher" else 1.0
            tables.append(scores("test_images", m.name, [real, real]))
        (found,) = (each for each in outcomes(compared(tables)) if each.question == question)
        assert found.outcome == "a" and len(found.against) == len(found.supporting) == len(others)
        assert (found.against["points"] == "b").all()


def test_what_the_classifier_says_and_novelty_have_no_winner() -> None:
    names = ("ambiguous", "disagreement", "copying", "authenticity", "cas")
    tables = [scores(model, name, *around(v)) for model, v in (("a", 1), ("b", 5)) for name in names]
    assert outcomes(compared([*tables, scores("test_images", "ambiguous", [0, 0])])) == []


def test_each_question_with_a_winner_has_primary_scores_that_notice_its_corruptions() -> None:
    for question, corruptions in CONCERNS.items():
        mine = [m for m in PRIMARY if m.question == question]
        assert 1 <= len(mine) <= 3
        assert set(corruptions) <= {seen for m in mine for seen in m.sees}
    assert {m.question for m in PRIMARY} == set(CONCERNS)


@pytest.mark.parametrize(
    "draw", [lambda rng, size: rng.normal(9, 1, size=size), lambda rng, size: rng.exponential(size=size)]
)
def test_equal_models_are_told_apart_in_at_most_one_of_twenty_questions(
    draw: Callable[[np.random.Generator, tuple[int, int]], np.ndarray],
) -> None:
    rng, wrong, runs = np.random.default_rng(5), 0, 200
    for _ in range(runs):
        tables = [
            scores(model, metric, *draw(rng, (5, 2)), space=space)
            for model in ("a", "b")
            for metric in ("kd", "fd_percent")
            for space in ("classifier", "random_1")
        ]
        wrong += (compared(tables)["decided"] != "").any()
    assert wrong / runs < 0.08  # .05, and what chance adds in 200 runs


@pytest.mark.parametrize("sd", [0.1, 2.0])
def test_equal_models_of_one_seed_are_told_apart_in_at_most_one_of_twenty_questions(sd: float) -> None:
    rng, wrong, runs = np.random.default_rng(7), 0, 400
    for _ in range(runs):
        known = {"kd": Spread(9.0, float(rng.normal(9, sd, 5).std(ddof=1)), 5)}
        tables = [scores(model, "kd", [float(rng.normal(9, sd))]) for model in ("a", "b")]
        wrong += one(tables, spreads=known)["decided"] != ""
    assert wrong / runs < 0.08
