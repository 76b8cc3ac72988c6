"""The two tests that a model takes before any comparison, and the spread between seeds that is looked up."""

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.gates import COPYING, NOISY, failed, gates
from pipeline.analysis.seed_spread import Spread, measured_spreads, read_spreads
from pipeline.analysis.summary import Score, by_draw, trainings

REAL = {"fd_infinity_percent": 1.0, "copying": 0.0, "authenticity": 0.6}


def gates_of(noise: float = 101.0, **values: float) -> pd.DataFrame:
    """The gates of one model with these scores, where real images have those of `REAL`."""
    trained = {}
    for name, real in REAL.items():
        space = "random" if name.startswith("fd") else "pixels"
        for model, value in (("test_images", real), ("model", values.get(name, real))):
            trained[Score(model, "images", name, space)] = [np.array([value])]
    trained[Score("noise", "images", "fd_infinity_percent", "random")] = [np.array([noise])]
    return gates(trained, ["model"])


@pytest.mark.parametrize(("distance", "out"), [(80.9, []), (81.1, ["model"]), (300.0, ["model"])])
def test_a_model_fails_unless_the_loss_of_noise_is_five_quarters_of_its_own(distance: float, out: list[str]) -> None:
    found = gates_of(fd_infinity_percent=distance)
    assert failed(found, NOISY) == out and failed(found, COPYING) == []
    assert found.loc[found["gate"] == NOISY, ["value", "limit"]].to_numpy().tolist() == [[distance - 1, 80]]


@pytest.mark.parametrize(
    ("scores", "out"),
    [
        ({"copying": -2.9, "authenticity": 0.49}, []),
        ({"copying": -3.1}, ["model"]),
        ({"authenticity": 0.47}, ["model"]),
        ({"copying": 30.0, "authenticity": 1.0}, []),  # unlike any real image, but no copy
    ],
)
def test_a_model_fails_if_its_images_are_copies_by_either_score(scores: dict[str, float], out: list[str]) -> None:
    assert failed(gates_of(**scores), COPYING) == out


def test_what_was_not_measured_is_not_tested() -> None:
    trained = {Score("model", "images", "fd_infinity_percent", "random"): [np.array([5.0])]}
    assert len(gates(trained, ["model"])) == 0


def table(seeds: int) -> pd.DataFrame:
    rows = [
        (model, seed, "images", draw, "kd", "random_1", np.nan, 3.0 + add * seed + draw, 10)
        for model, add in (("first", 1.0), ("second", 9.0))
        for seed in range(seeds)
        for draw in range(2)
    ]
    rows += [("test_images", 0, "images", 0, "kd", "random_1", np.nan, 1.0, 10)]
    columns = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "n"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def test_the_spread_of_a_family_is_that_of_its_first_model_beyond_real_images() -> None:
    found = measured_spreads(trainings(by_draw(table(5))), {"first": "gan", "second": "gan"})
    (row,) = found.to_dict("records")
    assert (row["family"], row["metric"], row["space"], row["seeds"]) == ("gan", "kd", "random", 5)
    assert (row["loss"], row["sd"]) == pytest.approx((4.5, np.std(range(5), ddof=1)))
    assert read_spreads(found) == {("gan", "kd", "random"): Spread(row["loss"], row["sd"], 5)}


def test_one_seed_has_no_spread() -> None:
    assert len(measured_spreads(trainings(by_draw(table(1))), {"first": "gan"})) == 0
    assert read_spreads(measured_spreads({}, {})) == {}
