"""Summarise the scores of all sources: one row for each, with its interval, the floor and the score of noise."""

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
    """Identify a score: the model, its set of images, the metric and the feature space."""

    model: str
    set: str
    metric: str
    space: str  # "", "pixels", "classifier" or "random"


def by_draw(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one value for each draw, without scores of single classes. Random networks are averaged to one space.

    Args:
        metrics: the tidy table of all sources (model, seed, set, draw, metric, space, label, value, n, ...).

    Returns:
        model, set, metric, space, seed, draw, value, n, in the order of `metrics`. A mean is empty if one of its values
        is.
    """
    whole = metrics[metrics["label"].isna()]
    space = whole["space"].astype("str").fillna("").replace(r"^random_\d+$", "random", regex=True)
    grouped = whole.assign(space=space).groupby([*Score._fields, "seed", "draw"], sort=False, dropna=False)
    values = grouped["value"].mean(skipna=False)
    return values.to_frame().assign(n=grouped["n"].min()).reset_index()


def trainings(drawn: pd.DataFrame) -> dict[Score, list[np.ndarray]]:
    """Return one array (draws,) for each seed of a score, from the table of `by_draw`; skip scores with empty ones."""
    found: dict[Score, list[np.ndarray]] = {}
    for (model, drawn_set, metric, space, _), same in drawn.groupby([*Score._fields, "seed"], sort=False):
        score = Score(str(model), str(drawn_set), str(metric), str(space))
        found.setdefault(score, []).append(same["value"].to_numpy(float))
    return {score: draws for score, draws in found.items() if not np.isnan(np.concatenate(draws)).any()}


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each score with its uncertainty. The mean is over seeds, of the means over draws.

    Args:
        metrics: the tidy table of all sources.

    Returns:
        One row for each model, set, metric and space, in the order of `metrics`:

        - value: the mean;
        - lower, upper, sd_seeds: the 95 % t interval over seeds and the standard deviation between them; empty with one
          seed;
        - sd_draws: the pooled standard deviation between draws of one training run; empty with one draw;
        - seeds: the number of training runs;
        - draws: the number of draws of a training run; 0 for a quantity of the run itself;
        - n: the number of images of one draw; the smallest one if they differ;
        - floor, noise: the value of the real test images, and that of pure noise;
        - position: (value - floor) / (noise - floor); empty if this is undefined.

        A score with an empty value has no numbers.

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
    """Return the mean and the uncertainty of one score, from the draws of each training run."""
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
    """Return the mean over the draws of each seed, (seeds,)."""
    return np.array([each.mean() for each in draws])


def pooled_sd(groups: list[np.ndarray]) -> float | None:
    """Return the pooled standard deviation within groups; None if no group has two values."""
    freedom = sum(len(group) - 1 for group in groups)
    squares = sum(float(np.square(group - group.mean()).sum()) for group in groups)
    return float(np.sqrt(squares / freedom)) if freedom else None


def mean(trained: Mapping[Score, list[np.ndarray]], score: Score) -> float | None:
    """Return the mean over seeds of the means over draws; None if there is no such score."""
    return float(seed_means(trained[score]).mean()) if score in trained else None


def check_digests(metrics: pd.DataFrame) -> None:
    """Raise an error if a space has features of different networks, because these are on different scales.

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
