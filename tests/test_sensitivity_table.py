"""The table of the sensitivity check, its rules and its picture, on scores whose answer is known."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.sensitivity import (
    COLUMNS,
    PREFERRED,
    SEEN,
    TRIED,
    declared,
    disagreements,
    excess,
    preference,
    sensitivity_table,
)
from pipeline.core import artifacts
from pipeline.figures import style
from pipeline.figures.sensitivity import DEEPEST, FAINTEST, heat_map, tinted
from pipeline.metrics.base import BASELINE_OF, CORRUPTIONS
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.stages import plot_sensitivity

SPACES = {"features": ["classifier", "random_1", "random_2"], "pixels": ["pixels"], "labels": [None]}


def scores(**changed: dict[str, float]) -> pd.DataFrame:
    """Three draws of each source, for all metrics: 10, 11 and 12, or a twentieth of that if they are p values.

    Of a metric in `changed`, all draws of a source are as given there.
    """
    rows = [
        {
            "model": source,
            "metric": name,
            "space": space,
            "draw": draw,
            "value": changed.get(name, {}).get(source, (10.0 + draw) * (0.05 if metric.scale == "p value" else 1)),
        }
        for name, metric in CATALOGUE.items()
        for source, space, draw in product(
            ["test_images", "noise", *BASELINE_OF.values()], SPACES[metric.space], range(3)
        )
    ]
    return pd.DataFrame(rows).assign(seed=0, set="images", label=np.nan)


def agreeing() -> pd.DataFrame:
    """Scores that are much worse where a metric declares that it sees a corruption, and much better where it prefers.

    Elsewhere they are those of real images.
    """
    table = scores()
    for name, metric in CATALOGUE.items():
        worse, better = (1e-9, 30.0) if metric.better == "higher" else (30.0, 0.01)
        better = better if isinstance(metric.better, str) else metric.better
        values = dict.fromkeys(metric.sees, worse) | dict.fromkeys(metric.prefers, better)
        for corruption, value in values.items():
            table.loc[of(table, BASELINE_OF[corruption], name), "value"] = value
    return table


def row(table: pd.DataFrame, metric: str, corruption: str, space: str = "classifier") -> pd.Series:
    found = table[(table["metric"] == metric) & (table["corruption"] == corruption) & (table["space"] == space)]
    assert len(found) == 1
    return found.iloc[0]


def of(table: pd.DataFrame, model: str, metric: str, space: str | None = None) -> pd.Series:
    chosen = (table["model"] == model) & (table["metric"] == metric)
    return chosen if space is None else chosen & (table["space"] == space)


def test_there_is_a_row_for_each_metric_space_and_corruption_in_order() -> None:
    table = sensitivity_table(scores())
    assert {*CATALOGUE} - {*TRIED} == {"label_fidelity", "cas", "ink_nats", "level_nats"}  # corruptions have neither
    spaces = {"features": ["classifier", "random"], "pixels": ["pixels"], "labels": [""]}
    expected = [(m.name, s, corruption) for m in TRIED.values() for s in spaces[m.space] for corruption in CORRUPTIONS]
    assert table.columns.tolist() == COLUMNS
    assert list(zip(table["metric"], table["space"], table["corruption"], strict=True)) == expected


def test_excess_counts_widths_of_the_range_from_the_worst_real_score() -> None:
    lower, higher, half = CATALOGUE["fd_percent"], CATALOGUE["recall"], CATALOGUE["nearest_neighbour_accuracy"]
    real, more = np.array([1.0, 2.0]), np.array([3.0])
    assert excess(lower, np.array([5.0]), real) == 3 and excess(lower, np.array([4.0, 6.0]), real, more) == 1
    assert excess(higher, np.array([0.5]), real) == 0.5 and excess(higher, np.array([5.0]), real) == -4
    assert excess(half, np.array([0.2]), np.array([0.5, 0.6])) == pytest.approx(2)
    assert excess(half, np.array([0.8]), np.array([0.5, 0.6])) == pytest.approx(2)
    assert excess(CATALOGUE["authenticity"], np.array([0.5]), np.array([0.9, 1.0, 1.1])) == pytest.approx(4)


def test_preference_counts_widths_of_the_range_from_the_best_real_score() -> None:
    lower, higher, half = CATALOGUE["fd_percent"], CATALOGUE["recall"], CATALOGUE["nearest_neighbour_accuracy"]
    real, more = np.array([1.0, 2.0]), np.array([3.0])
    assert (
        preference(lower, np.array([0.5]), real) == 0.5 and preference(lower, np.array([0.0, 1.0]), real, more) == 0.25
    )
    assert preference(lower, np.array([1.5]), real) == -0.5
    assert preference(higher, np.array([3.0]), real) == 1 and preference(higher, np.array([3.0]), real, more) == 0
    assert preference(half, np.array([0.5]), np.array([0.6, 0.7])) == pytest.approx(1)
    assert preference(CATALOGUE["support"], np.array([1e6]), np.array([1e4, 1e5])) == pytest.approx(1)


def test_images_that_score_as_real_ones_do_are_preferred_by_no_metric() -> None:
    real = np.array([0.4, 0.6])
    assert [name for name, metric in TRIED.items() if preference(metric, real, real) >= PREFERRED] == []


def test_the_range_counts_as_two_percent_of_the_baseline_at_least() -> None:
    assert excess(CATALOGUE["fd_percent"], np.array([52.0]), np.array([50.0])) == pytest.approx(2)
    assert excess(CATALOGUE["missing_modes"], np.array([1.0]), np.zeros(2)) > 1e6

    assert excess(CATALOGUE["support"], np.array([90.0]), np.array([100.0])) == pytest.approx(np.log(100 / 90) / 0.02)


def test_numbers_and_ratios_are_compared_by_their_order_and_p_values_where_they_are_unusual() -> None:
    assert excess(CATALOGUE["support"], np.array([1e3]), np.array([1e6, 1e5])) == pytest.approx(2)
    ratio = CATALOGUE["sharpness_ratio"]
    assert excess(ratio, np.array([4.0]), np.array([1.0, 2.0])) == pytest.approx(1)
    assert excess(ratio, np.array([0.25]), np.array([1.0, 2.0])) == pytest.approx(1)
    p = CATALOGUE["label_p"]
    assert excess(p, np.array([0.2]), np.array([0.9])) == preference(p, np.array([0.9]), np.array([0.2])) == 0
    assert excess(p, np.array([1e-9]), np.array([0.6, 0.9])) > SEEN


def test_how_far_a_p_value_of_real_images_lies_above_the_usual_does_not_matter() -> None:
    p = CATALOGUE["label_p"]
    assert excess(p, np.array([0.04]), np.array([0.9])) == pytest.approx(excess(p, np.array([0.04]), np.array([0.06])))


def test_the_baseline_is_copies_but_for_novelty_unseen_images() -> None:
    table = sensitivity_table(
        scores(copying={"test_images": 0.4, "train_copies": -30.0}, kd={"test_images": 3.0, "train_copies": 2.0})
    )
    assert row(table, "copying", "copies", "pixels")["real"] == pytest.approx(0.4)
    assert row(table, "copying", "copies", "pixels")["excess"] == pytest.approx(29.6 / (0.02 * 0.4))
    assert row(table, "kd", "blur")["real"] == 2 and row(table, "kd", "blur")["value"] == 11
    assert row(table, "kd", "blur")["excess"] == 8  # worse than the test images, by the gap of these to the copies
    assert row(table, "kd", "blur")["preference"] == -9


@pytest.mark.parametrize(
    ("value", "found"),
    [
        *((14.0, "sees"), (13.9, "edge"), (13.1, "edge"), (13.0, "blind")),
        *((8.6, "blind"), (8.5, "prefers"), (-50.0, "prefers")),
    ],
)
def test_what_is_found_follows_from_the_excess_and_the_preference(value: float, found: str) -> None:
    assert row(sensitivity_table(scores(fd_percent={"blurred": value})), "fd_percent", "blur")["found"] == found


def test_random_networks_count_as_one_space() -> None:
    table = scores()
    table.loc[of(table, "blurred", "kd", "random_1"), "value"] = 20.0
    table.loc[of(table, "blurred", "kd", "random_2"), "value"] = 30.0
    found = row(sensitivity_table(table), "kd", "blur", "random")
    assert found["value"] == 25 and found["excess"] == 6.5
    assert row(sensitivity_table(table), "kd", "blur")["value"] == 11


def test_other_sources_sets_classes_and_metrics_are_left_out() -> None:
    plain = scores()
    other = plain.head(40).assign(value=1e9)
    extra = [
        other.assign(model="gan"),
        other.assign(set="observations"),
        other.assign(label=3),
        other.assign(metric="seconds"),
    ]
    pd.testing.assert_frame_equal(sensitivity_table(pd.concat([plain, *extra])), sensitivity_table(plain))


def test_a_declaration_counts_in_its_own_space_only() -> None:
    table = scores()
    novel = table[table["metric"] == "copying"].assign(space="classifier")
    found = sensitivity_table(pd.concat([table, novel]))
    assert row(found, "copying", "copies", "pixels")["declared"] == "sees"
    assert row(found, "copying", "copies", "classifier")["declared"] == ""
    assert row(found, "fd_percent", "copies", "random")["declared"] == "blind"
    assert row(found, "fd_percent", "missing_class")["declared"] == ""


def test_a_declared_preference_is_one_in_the_metrics_own_space() -> None:
    metric = replace(CATALOGUE["kd"], sees=("noise",), blind=("copies",), prefers=("blur",))
    said = [declared(metric, "random", corruption) for corruption in ("noise", "copies", "blur", "shift")]
    assert said == ["sees", "blind", "prefers", ""]
    assert declared(metric, "pixels", "blur") == declared(replace(metric, question="novelty"), "random", "blur") == ""


def test_a_declared_blindness_to_training_images_does_not_count() -> None:
    assert "distinct_1000" in CATALOGUE["copying"].blind
    assert row(sensitivity_table(scores()), "copying", "distinct_1000", "pixels")["declared"] == ""


def test_only_opposites_disagree() -> None:
    table = agreeing()
    assert disagreements(sensitivity_table(table)).empty
    for source, value in (
        ("blurred", 13.5),
        ("corrupted_missing_class", 99.0),
        ("corrupted_shift", 10.0),
        ("corrupted_noise", 13.0),
    ):
        table.loc[of(table, source, "fd_percent", "classifier"), "value"] = value
    table.loc[of(table, "corrupted_half_one_class", "recall", "classifier"), "value"] = 0.01
    found = disagreements(sensitivity_table(table))
    assert list(zip(found["metric"], found["corruption"], found["declared"], found["found"], strict=True)) == [
        ("fd_percent", "noise", "sees", "blind"),
        ("fd_percent", "shift", "sees", "blind"),
        ("recall", "half_one_class", "blind", "sees"),
    ]
    assert set(found["space"]) == {"classifier"}


def disagreeing(declared: str, found: Sequence[str], metric: str = "kd", spaces: Sequence[str] = ()) -> list[str]:
    """The spaces in which what was found contradicts what a metric declares of a blur."""
    spaces = spaces or ("classifier", "random")
    table = pd.DataFrame({"metric": metric, "space": spaces, "declared": declared, "found": found})
    table = pd.concat([table.assign(corruption="blur"), table.assign(corruption="noise", declared="", found="edge")])
    return disagreements(table)["space"].tolist()


@pytest.mark.parametrize(
    ("said", "found", "expected"),
    [
        ("sees", ["sees", "edge"], []),
        ("sees", ["blind", "prefers"], ["classifier", "random"]),
        ("blind", ["blind", "edge"], []),
        ("blind", ["sees", "blind"], ["classifier"]),
        ("blind", ["blind", "prefers"], ["random"]),  # a preference must be declared
        ("", ["sees", "blind"], []),
        ("", ["edge", "prefers"], ["random"]),
        ("prefers", ["prefers", "sees"], []),  # it may be seen in another space
        ("prefers", ["blind", "prefers"], []),
        ("prefers", ["sees", "blind"], ["classifier", "random"]),  # in no space it is preferred
        ("prefers", ["edge", ""], ["classifier"]),  # one was not measured
    ],
)
def test_a_preference_must_be_declared_and_found_somewhere(said: str, found: list[str], expected: list[str]) -> None:
    assert disagreeing(said, found) == expected


def test_a_preference_that_a_metric_cannot_declare_is_none() -> None:
    """In a space that is not its own, or of a metric of novelty, to which blur looks new."""
    assert disagreeing("", ["prefers"], spaces=["pixels"]) == []
    assert disagreeing("", ["prefers"], metric="copying", spaces=["pixels"]) == []
    assert disagreeing("sees", ["prefers"], metric="copying", spaces=["pixels"]) == ["pixels"]
    assert disagreeing("", ["prefers"], metric="ndb", spaces=["pixels"]) == ["pixels"]


def test_a_missing_score_is_neither_seen_nor_unseen() -> None:
    table = scores()
    table.loc[of(table, "blurred", "copying"), "value"] = np.nan
    table = table[~of(table, "corrupted_shift", "copying") & ~(table["metric"] == "kd")]
    found = sensitivity_table(table)
    for corruption in ("blur", "shift"):
        cell = row(found, "copying", corruption, "pixels")
        assert np.isnan(cell["value"]) and np.isnan(cell["excess"]) and np.isnan(cell["preference"])
        assert cell["found"] == ""
        assert cell.name not in disagreements(found).index
    assert "kd" not in set(found["metric"])


def test_a_corruption_that_was_not_measured_is_named() -> None:
    table = scores()
    with pytest.raises(ValueError, match=r"none of test_images, corrupted_shift\. Measure these too"):
        sensitivity_table(table[~table["model"].isin(["test_images", "corrupted_shift"])])


def test_the_stage_writes_the_table_and_its_picture(tmp_path: Path) -> None:
    table = agreeing()
    table.loc[of(table, "corrupted_half_one_class", "recall"), "value"] = 0.01
    metrics, written, figure = tmp_path / "metrics.csv", tmp_path / "sensitivity.csv", tmp_path / "sensitivity.svg"
    artifacts.write_table(metrics, table)
    plot_sensitivity.main(score_files=[metrics], sensitivity_table=written, sensitivity_picture=figure)
    read = artifacts.read_table(written).fillna({"space": "", "declared": "", "found": ""})
    pd.testing.assert_frame_equal(read, sensitivity_table(table), check_dtype=False)
    drawn = figure.read_text()
    assert len(drawn) < 60_000
    assert drawn.count(">×<") == len(disagreements(read)) == 2


def test_the_picture_names_metrics_questions_and_corruptions_and_follows_the_theme() -> None:
    table = sensitivity_table(scores())
    metrics = [CATALOGUE[name] for name in table["metric"]]
    shown = table.assign(title=[m.title for m in metrics], question=[m.question for m in metrics], disagrees=False)
    drawn = style.svg(heat_map(shown))
    assert drawn == style.svg(heat_map(shown))
    words = [
        "".join(text.itertext()) for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert not re.search(rb"#[0-9a-f]{6}", drawn.partition(b"</style>")[2])
    for corruption in CORRUPTIONS:
        assert words.count(corruption.replace("_", " ")) == 3
    for metric in metrics:
        assert any(metric.title.startswith(word.removesuffix(" …")) for word in words) and metric.question in words


def test_a_space_that_was_not_measured_leaves_its_panel_empty() -> None:
    table = scores()
    table = sensitivity_table(table[table["space"].isin(["classifier", "pixels"]) | table["space"].isna()])
    shown = table.assign(title=table["metric"], question="fidelity", disagrees=False)
    assert "random" not in set(table["space"])
    assert len(heat_map(shown).axes) == len(heat_map(shown.assign(excess=np.nan)).axes)


def test_colours_deepen_with_the_excess_and_a_missing_one_has_none() -> None:
    opacity = tinted(np.array([[np.nan, -9.0, 0.0, 1.0, DEEPEST, 1e9]]))[0, :, 3]
    np.testing.assert_allclose(opacity[[0, 1, 2, 4, 5]], [0, FAINTEST, FAINTEST, 1, 1])
    assert FAINTEST < opacity[3] < 0.5
