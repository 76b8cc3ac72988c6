"""The scores of all sources in short: one row for each, with its interval, the floor and the noise ceiling."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pipeline.analysis.uncertainty import seed_interval
from pipeline.core.names import NOISE, TEST

COLUMNS = (
    *("model", "set", "metric", "space", "value", "lower", "upper", "sd_seeds", "sd_draws"),
    *("seeds", "draws", "n", "floor", "noise", "position"),
)


class Score(NamedTuple):
    """What a number is of."""

    model: str
    set: str
    metric: str
    space: str  # empty, `pixels`, `classifier` or `random`


def by_draw(metrics: pd.DataFrame) -> pd.DataFrame:
    """One value for each draw, without those of single classes; the random networks count as one space, their mean.

    Args:
        metrics: the tidy table of all sources (model, seed, set, draw, metric, space, label, value, n, ...).

    Returns:
        model, set, metric, space, seed, draw, value, n, in the order of `metrics`. A value is empty if one that it is
        the mean of is.
    """
    whole = metrics[metrics["label"].isna()]
    space = whole["space"].astype("str").fillna("").replace(r"^random_\d+$", "random", regex=True)
    grouped = whole.assign(space=space).groupby([*Score._fields, "seed", "draw"], sort=False, dropna=False)
    values = grouped["value"].mean(skipna=False)
    return values.to_frame().assign(n=grouped["n"].min()).reset_index()


def trainings(drawn: pd.DataFrame) -> dict[Score, list[np.ndarray]]:
    """For each score one array (draws,) a seed, from the table of `by_draw`; no scores with an empty value."""
    found: dict[Score, list[np.ndarray]] = {}
    for (model, drawn_set, metric, space, _), same in drawn.groupby([*Score._fields, "seed"], sort=False):
        score = Score(str(model), str(drawn_set), str(metric), str(space))
        found.setdefault(score, []).append(same["value"].to_numpy(float))
    return {score: draws for score, draws in found.items() if not np.isnan(np.concatenate(draws)).any()}


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """The mean of each score over seeds of its mean over draws, and how far it can be trusted.

    Args:
        metrics: the tidy table of all sources.

    Returns:
        One row for each model, set, metric and space, in the order of `metrics`. `lower` and `upper` are the 95 % t
        interval over seeds and `sd_seeds` is the standard deviation between them, all empty with one seed; `sd_draws`
        is the pooled standard deviation between draws of one training, empty with one draw. `draws` is the number of
        draws of a training, 0 for what belongs to the training itself, `n` that of the images of one draw; of several
        numbers the least. `floor` is the value of the real test images, `noise` that of pure noise; `position` is 0
        at the floor and 1 at noise, empty where these are equal or missing. A score of which a value is empty has no
        numbers.

    Raises:
        ValueError: for a value that is infinite.
    """
    drawn = by_draw(metrics)
    trained = trainings(drawn)
    rows = []
    for (model, drawn_set, metric, space), same in drawn.groupby(list(Score._fields), sort=False):
        score = Score(str(model), str(drawn_set), str(metric), str(space))
        rows.append({
            **score._asdict(),
            **(numbers(trained[score]) if score in trained else {}),
            "draws": same.groupby("seed")["draw"].count().min(),
            "n": same["n"].min(),
            "floor": mean(trained, score._replace(model=TEST, set="images")),
            "noise": mean(trained, score._replace(model=NOISE, set="images")),
        })  # fmt: skip
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    numeric = [column for column in COLUMNS if column not in Score._fields]
    table[numeric] = table[numeric].astype(float)
    span = table["noise"] - table["floor"]
    table["position"] = (table["value"] - table["floor"]) / span.where(span != 0)
    return table.astype({"seeds": "Int64", "draws": "Int64", "n": "Int64"})


def numbers(draws: list[np.ndarray]) -> dict[str, Any]:
    """Of one score, from the draws of each training."""
    over = seed_interval(seed_means(draws))
    return {
        "value": over.mean,
        "lower": over.lower,
        "upper": over.upper,
        "sd_seeds": over.sd,
        "sd_draws": pooled_sd(draws),
        "seeds": len(draws),
    }


def seed_means(draws: list[np.ndarray]) -> np.ndarray:
    """(seeds,), from one array (draws,) a seed."""
    return np.array([each.mean() for each in draws])


def pooled_sd(groups: list[np.ndarray]) -> float | None:
    """The standard deviation within groups, pooled; None if none has two values."""
    freedom = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.square(group - group.mean()).sum()) for group in groups)
    return float(np.sqrt(squares / freedom)) if freedom else None


def mean(trained: Mapping[Score, list[np.ndarray]], score: Score) -> float | None:
    """Over seeds, of the means over draws; None where there is no such score."""
    return float(seed_means(trained[score]).mean()) if score in trained else None


def check_digests(metrics: pd.DataFrame) -> None:
    """Refuse numbers from different feature networks in one table: they are on different scales.

    Raises:
        ValueError: if one space holds several digests.
    """
    networks = metrics.dropna(subset=["space", "digest"]).groupby(["space", "digest"], sort=False)
    found: dict[str, list[str]] = {}
    for (space, digest), same in networks:
        sources = same["model"] + " " + same["seed"].astype("str")
        found.setdefault(str(space), []).append(f"{digest} ({', '.join(sources.unique())})")
    for space, digests in found.items():
        if len(digests) > 1:
            raise ValueError(
                f"{space}: expected features of one network for all sources; found {' and '.join(digests)}. Numbers of "
                "different networks cannot be compared. Delete results/measures and run again."
            )
