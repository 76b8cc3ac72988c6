"""Models compared by the log-probabilities of the same images, where it is known how these differ."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, ttest_1samp

from pipeline.analysis.likelihood import FEW, contrasts
from pipeline.analysis.seed_spread import Spread
from pipeline.analysis.verdicts import outcomes, verdicts
from pipeline.core import artifacts
from pipeline.stages.compare import probabilities

METRIC = "ink_nats"
IMAGES, RUNS = 100, 400
EXACT, BOUND = 0.0, math.nan  # how far the upper end is above the lower one


def images(rng: np.random.Generator, count: int = IMAGES) -> np.ndarray:
    """What makes some images less probable than others, for all models alike."""
    return -100 + 30 * rng.standard_normal(count)


def table(lower: np.ndarray, width: float = EXACT, first: int = 0) -> pd.DataFrame:
    """The log-probabilities of images in a row, of which the first has this number."""
    return pd.DataFrame({"image": range(first, first + len(lower)), "lower": lower, "upper": lower + width})


def compared(
    spreads: Mapping[str, Spread] | None = None, **models: pd.DataFrame | Sequence[pd.DataFrame]
) -> list[dict[str, Any]]:
    """The rows of models that are a family of their own each; several tables are several seeds."""
    tables = {name: [of] if isinstance(of, pd.DataFrame) else list(of) for name, of in models.items()}
    known = {(family, METRIC, "pixels"): each for family, each in (spreads or {}).items()}
    return list(contrasts(METRIC, tables, {name: name for name in models}, known, 1))


def one(spreads: Mapping[str, Spread] | None = None, **models: pd.DataFrame | Sequence[pd.DataFrame]) -> dict[str, Any]:
    (row,) = compared(spreads, **models)
    assert row["points"] == row["decided"]
    return row


def pairs(gap: float, seed: int, own: float = 3.0, widths: Sequence[float] = (EXACT, EXACT)) -> Iterator[dict]:
    """The rows of many runs in which b is better than a by `gap` nats; both have noise of their own on each image."""
    rng = np.random.default_rng(seed)
    for _ in range(RUNS):
        common = images(rng)
        a, b = (common + shift + own * rng.standard_normal(IMAGES) for shift in (0.0, gap))
        yield one(a=table(a, widths[0]), b=table(b, widths[1]))


def above_chance(wrong: int, runs: int) -> bool:
    """Whether so many errors would be rare (one in a thousand) if the rate was 5 %."""
    return bool(binom.sf(wrong - 1, runs, 0.05) < 0.001)


def test_models_that_differ_by_nothing_are_told_apart_in_one_of_twenty_runs() -> None:
    """The noise is so large that chance often makes gaps which would matter."""
    rows = list(pairs(0.0, seed=1))
    wrong = sum(row["decided"] != "" for row in rows)
    assert wrong > 0 and not above_chance(wrong, RUNS)
    assert sum(abs(row["loss_a"] - row["loss_b"]) > math.log(1.25) for row in rows) > RUNS / 2


def test_three_models_that_differ_by_nothing_are_told_apart_in_one_of_twenty_runs() -> None:
    """A p value counts as many times as there are pairs."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(RUNS):
        common = images(rng)
        rows = compared(**{name: table(common + 3 * rng.standard_normal(IMAGES)) for name in "abc"})
        assert [row["adjusted"] for row in rows] == pytest.approx([min(1, 3 * row["p"]) for row in rows])
        wrong += any(row["decided"] for row in rows)
    assert not above_chance(wrong, RUNS)


def test_one_nat_is_always_found_because_the_images_are_the_same() -> None:
    """Images differ by 30 nats. Unpaired, one nat between 100 of each would be found by luck only."""
    rows = list(pairs(1.0, seed=3, own=1.0))
    assert [row["decided"] for row in rows] == ["b"] * RUNS
    shuffled = images(np.random.default_rng(0))
    assert one(a=table(shuffled), b=table(np.random.default_rng(1).permutation(shuffled) + 1))["decided"] == ""


@pytest.mark.parametrize(("gap", "decided"), [(1.01, "b"), (0.99, "")])
def test_a_difference_counts_from_five_quarters_of_the_probability(gap: float, decided: str) -> None:
    a = images(np.random.default_rng(0))
    row = one(a=table(a), b=table(a + gap * math.log(1.25)))
    assert row["p"] < 1e-9 and row["decided"] == decided
    assert row["ratio"] == pytest.approx(1.25**gap)
    assert (row["loss_a"], row["loss_b"]) == pytest.approx((-a.mean(), -a.mean() - gap * math.log(1.25)))


@pytest.mark.parametrize("gap", [-1.0, 1.0])
def test_a_bound_wins_above_an_exact_number_and_never_loses(gap: float) -> None:
    """Whichever of the two comes first."""
    a = images(np.random.default_rng(0))
    known, bound = table(a), table(a + gap, BOUND)
    assert one(known=known, bound=bound)["decided"] == ("bound" if gap > 0 else "")
    assert one(bound=bound, known=known)["decided"] == ("bound" if gap > 0 else "")
    assert one(known=known, other=table(a + gap))["decided"] == ("other" if gap > 0 else "known")


def test_a_bound_that_is_no_better_wins_in_one_of_twenty_runs_and_never_loses() -> None:
    wins = [row["decided"] for row in pairs(0.0, seed=4, widths=(BOUND, EXACT))]
    assert set(wins) <= {"", "a"} and not above_chance(wins.count("a"), RUNS)


def test_two_bounds_are_not_separable() -> None:
    a = images(np.random.default_rng(0))
    row = one(a=table(a, BOUND), b=table(a + 50, BOUND))
    assert (row["decided"], row["p"]) == ("", 1.0)


@pytest.mark.parametrize(("width", "decided"), [(1.9, ""), (2.1, ""), (0.9, "b"), (EXACT, "b")])
def test_estimates_whose_intervals_overlap_are_not_separable(width: float, decided: str) -> None:
    """The gap between the lower ends is 2 nats. At a width of 1.9 nats, 0.1 are left, which do not matter."""
    a = images(np.random.default_rng(0))
    first, second = table(a, width), table(a + 2, width)
    assert one(a=first, b=second)["decided"] == one(b=second, a=first)["decided"] == decided
    assert one(b=table(a, width), a=table(a + 2, width))["decided"] == ("a" if decided else "")


def test_only_images_that_both_were_asked_about_count() -> None:
    """One model was asked about few images, which are easy ones, and not in order."""
    a = images(np.random.default_rng(0))
    few = table(a + 1).sort_values("lower").tail(30)
    row = one(a=table(a), b=few)
    assert row["decided"] == "b" and row["loss_a"] - row["loss_b"] == pytest.approx(1)


@pytest.mark.parametrize(("common", "rows"), [(0, 0), (FEW - 1, 0), (FEW, 1)])
def test_models_with_too_few_images_in_common_have_no_row(common: int, rows: int) -> None:
    a = images(np.random.default_rng(0))
    assert len(compared(a=table(a), b=table(a + 5, first=IMAGES - common))) == rows


@pytest.mark.parametrize(("times", "decided"), [(1.9, ""), (4.5, "b")])
def test_the_spread_of_the_families_stops_a_verdict_on_one_training_each(times: float, decided: str) -> None:
    """The spreads are 3 and 1 nats; pooled, the square root of 5."""
    a, gap = images(np.random.default_rng(0)), times * math.sqrt(5)
    models = {"a": table(a), "b": table(a + gap)}
    row = one({"a": Spread(90.0, 3.0, 5), "b": Spread(90.0, 1.0, 5)}, **models)
    assert row["spread"] == pytest.approx(math.sqrt(5)) and row["decided"] == decided
    unknown = one(**models)
    assert unknown["spread"] is None and unknown["decided"] == "b"
    half = one({"a": Spread(90.0, 3.0, 5)}, **models)
    assert half["spread"] is None and unknown["p"] < min(half["p"], row["p"])


@pytest.mark.parametrize(("times", "decided"), [(1.95, ""), (2.05, "b")])
def test_a_gap_exceeds_twice_the_spread_between_own_seeds(times: float, decided: str) -> None:
    """With eight seeds, chance alone would allow a gap of one spread. The families' spread does not count then."""
    a, seeds = images(np.random.default_rng(0)), np.linspace(-3, 3, 8)
    spread = float(np.std(seeds, ddof=1))
    models = {
        "a": [table(a + seed) for seed in seeds],
        "b": [table(a + seed + times * spread) for seed in seeds],
    }
    row = one(**models)
    assert row["spread"] == pytest.approx(spread) and row["adjusted"] < 0.01
    assert row["decided"] == decided
    assert row["loss_a"] - row["loss_b"] == pytest.approx(times * spread)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_families_that_differ_by_nothing_are_told_apart_in_one_of_twenty_runs(seeds: int) -> None:
    """Each training has a mean of its own; that of the family is the same for both."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(RUNS):
        common = images(rng)
        a, b = (
            [table(common + 2 * rng.standard_normal() + rng.standard_normal(IMAGES)) for _ in range(seeds)]
            for _ in range(2)
        )
        wrong += one(a=a, b=b)["decided"] != ""
    assert not above_chance(wrong, RUNS)


@pytest.mark.parametrize("width", [EXACT, 0.5])
def test_p_is_scipys_of_the_differences_of_the_images(width: float) -> None:
    """The lower end of the better one less the upper end of the other."""
    rng = np.random.default_rng(0)
    a = images(rng)
    b = a + 1 + 3 * rng.standard_normal(IMAGES)
    row = one(a=table(a, width), b=table(b, width))
    assert row["p"] == row["adjusted"] == pytest.approx(ttest_1samp(b - a - width, 0).pvalue, rel=1e-9)


def test_a_difference_that_is_the_same_for_all_images_is_no_chance() -> None:
    a = np.arange(-50.0, 0)
    assert (one(a=table(a), b=table(a + 1))["p"], one(a=table(a), b=table(a))["p"]) == (0, 1)


def test_verdicts_have_these_rows_without_models_that_do_not_beat_noise() -> None:
    """The model c is as far from real images as noise is."""
    distances = {"a": 10.0, "b": 10.0, "c": 100.0, "test_images": 0.0, "noise": 100.0}
    about = {"seed": 0, "set": "images", "metric": "fd_infinity_percent", "space": "classifier", "label": None, "n": 9}
    rows = [{**about, "model": m, "draw": draw, "value": value} for m, value in distances.items() for draw in (0, 1)]
    a = images(np.random.default_rng(0))
    models = {"c": [table(a + 9)], "b": [table(a + 2)], "a": [table(a)]}
    found = verdicts(pd.DataFrame(rows), {name: name for name in "abc"}, {}, {METRIC: models})
    mine = found[found["metric"] == METRIC]
    assert mine[["question", "a", "b", "decided", "basis"]].to_numpy().tolist() == [
        ["likelihood", "a", "b", "b", "the same test images, of these trainings"]
    ]
    assert {each.question: each.outcome for each in outcomes(found)}["likelihood"] == "b"


def test_the_stage_sorts_files_by_what_they_are_about_and_by_model(tmp_path: Path) -> None:
    files, abouts = [], []
    for model, seed, support in (("flow", 0, "levels"), ("vae", 0, "ink"), ("vae", 1, "ink")):
        files.append(tmp_path / "log_probabilities" / model / f"{seed}.csv")
        abouts.append(tmp_path / "likelihood" / model / f"{seed}.json")
        artifacts.write_table(files[-1], table(np.array([-seed - 1.0]), BOUND))
        artifacts.write_json(abouts[-1], {"support": support})
    found = probabilities(files, abouts)
    lower = {
        metric: {model: [float(each["lower"].item()) for each in tables] for model, tables in of.items()}
        for metric, of in found.items()
    }
    assert lower == {"level_nats": {"flow": [-1.0]}, "ink_nats": {"vae": [-1.0, -2.0]}}
    assert found["level_nats"]["flow"][0]["upper"].isna().all()
