"""The summary of scores against what a small table says by hand, and scipy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from pipeline.analysis.summary import by_draw, check_digests, summarise, trainings

COLUMNS = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "lower", "upper", "n", "digest"]


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    """The tidy table of all sources; what a row does not say is as in most rows."""
    usual = {"seed": 0, "set": "images", "draw": 0, "metric": "fd_percent", "space": "classifier", "n": 100}
    return pd.DataFrame([{**usual, **row} for row in rows], columns=pd.Index(COLUMNS))


def scores(model: str, *values: Sequence[float], **more: Any) -> list[dict[str, Any]]:
    """Rows of one model: for each seed the values of its draws."""
    return [
        {"model": model, "seed": seed, "draw": draw, "value": value, **more}
        for seed, draws in enumerate(values)
        for draw, value in enumerate(draws)
    ]


REAL, NOISE = scores("test_images", [1, 3]), scores("noise", [10, 14])


def row(summary: pd.DataFrame, model: str) -> pd.Series:
    (found,) = (each for _, each in summary[summary["model"] == model].iterrows())
    return found


def test_a_score_is_the_mean_over_seeds_of_the_means_over_draws() -> None:
    found = row(summarise(table(*scores("gan", [4, 6], [7, 7], [9, 13]), *REAL, *NOISE)), "gan")
    means = np.array([5, 7, 11])
    theirs = ttest_1samp(means, 0).confidence_interval(0.95)
    assert found["value"] == pytest.approx(means.mean(), rel=1e-12)
    assert (found["lower"], found["upper"]) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert found["sd_seeds"] == pytest.approx(means.std(ddof=1), rel=1e-12)
    assert found["sd_draws"] == pytest.approx(np.sqrt((2 + 0 + 8) / 3), rel=1e-12)
    assert (found["seeds"], found["draws"], found["n"]) == (3, 2, 100)
    assert (found["floor"], found["noise"]) == (2, 12)
    assert found["position"] == pytest.approx((23 / 3 - 2) / 10, rel=1e-12)


def test_the_floor_is_at_0_and_noise_at_1() -> None:
    found = summarise(table(*REAL, *NOISE))
    assert found["position"].tolist() == [0, 1]


def test_one_seed_has_no_interval_and_one_draw_no_spread() -> None:
    found = row(summarise(table(*scores("gan", [4]))), "gan")
    assert found["value"] == 4 and found["seeds"] == 1
    assert found[["lower", "upper", "sd_seeds", "sd_draws", "floor", "noise", "position"]].isna().all()


def test_a_scale_without_length_has_no_positions() -> None:
    gan = scores("gan", [4])
    assert pd.isna(row(summarise(table(*gan, *scores("test_images", [2]))), "gan")["position"])
    equal = table(*gan, *scores("test_images", [2]), *scores("noise", [2]))
    assert pd.isna(row(summarise(equal), "gan")["position"])


def test_random_networks_are_one_space_and_other_spaces_stay_apart() -> None:
    gan = [
        *scores("gan", [1, 3], space="random_1"),
        *scores("gan", [5, 11], space="random_2"),
        *scores("gan", [50, 50], space="classifier"),
        *scores("gan", [7, 9], space=None, metric="label_distance"),
    ]
    found = summarise(table(*gan))
    assert found["space"].tolist() == ["random", "classifier", ""]
    assert found["value"].tolist() == [5, 50, 8]
    # The draws' own means, 3 and 7: not the spread between the networks.
    assert found["sd_draws"].tolist() == pytest.approx([np.sqrt(8), 0, np.sqrt(2)])


def test_draws_of_the_pixels_are_judged_by_the_scale_of_images() -> None:
    found = summarise(table(*scores("vae", [7], set="draws"), *scores("vae", [2]), *REAL, *NOISE))
    assert found["position"].tolist() == [0.5, 0, 0, 1]


def test_classes_are_left_out_and_trainings_have_no_draws() -> None:
    share = scores("gan", [0.1], metric="share", space=None, label=3)
    seconds = [{"model": "gan", "seed": s, "draw": None, "metric": "seconds", "space": None, "value": s, "n": None}
               for s in (0, 1)]  # fmt: skip
    found = summarise(table(*share, *seconds))
    assert found["metric"].tolist() == ["seconds"]
    assert found["value"].item() == 0.5 and found["draws"].item() == 0 and pd.isna(found["n"].item())


def test_a_score_with_an_empty_value_has_no_number_instead_of_the_mean_of_the_rest() -> None:
    metrics = table(*scores("gan", [4, np.nan], [5, 6]), *scores("vae", [4, 6]))
    found = summarise(metrics)
    assert pd.isna(row(found, "gan")["value"]) and row(found, "vae")["value"] == 5
    assert [score.model for score in trainings(by_draw(metrics))] == ["vae"]
    half = table(*scores("gan", [np.nan], space="random_1"), *scores("gan", [6], space="random_2"))
    assert pd.isna(row(summarise(half), "gan")["value"])


def test_it_reads_what_was_written(tmp_path: Any) -> None:
    metrics = table(*scores("gan", [4, 6], space=None, metric="label_distance"), *REAL)
    metrics.to_csv(tmp_path / "m.csv", index=False)
    pd.testing.assert_frame_equal(summarise(pd.read_csv(tmp_path / "m.csv")), summarise(metrics))


def test_an_infinite_value_is_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="expected one finite number for each seed"):
        summarise(table(*scores("gan", [np.inf, 1])))


def test_features_of_different_networks_do_not_share_a_table() -> None:
    same = table(
        *scores("gan", [1], [2], digest="aaaaaaaaaaaa"),
        *scores("vae", [1], digest="aaaaaaaaaaaa"),
        *scores("vae", [1], space="random_1", digest="bbbbbbbbbbbb"),
        *scores("vae", [1], space="pixels"),
    )
    check_digests(same)
    mixed = pd.concat([same, table(*scores("test_images", [1, 2], digest="cccccccccccc"))])
    sentence = (
        r"classifier: expected features of one network .* aaaaaaaaaaaa \(gan 0, gan 1, vae 0\) and cccccccccccc "
        r"\(test_images 0\).* Delete results/measures and run again"
    )
    with pytest.raises(ValueError, match=sentence):
        check_digests(mixed)
