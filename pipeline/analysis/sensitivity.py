"""Check the sensitivity of the metrics: how does each score change on images with known corruptions?

The excess of a score is (loss - worst loss of real images) / (range of the losses of real images). A metric sees a
corruption if the excess is at least 1, and is blind to it if the excess is at most 0.5. An excess in between is on the
edge, which agrees with either declaration. A metric prefers a corruption if its loss is smaller than the best loss of
real images, by at least three quarters of that range.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.names import COPIES, TEST
from pipeline.metrics.base import BASELINE_OF, CORRUPTIONS, Metric
from pipeline.metrics.catalogue import CATALOGUE

SEEN, UNSEEN = 1.0, 0.5  # the excess from which a corruption is seen, and up to which it is not
# The preference from which a corruption is preferred to real images. By chance alone, label frequencies reach 0.6 on
# corruptions that leave the labels as they are.
PREFERRED = 0.75
LEAST_WIDTH = 0.02  # smallest range of losses, as a share of the score of real images
COLUMNS = ["metric", "space", "corruption", "value", "real", "excess", "preference", "declared", "found"]

# Spaces of the sensitivity check, and the name of each in a metric's declaration.
SPACES = {"classifier": "features", "random": "features", "pixels": "pixels", "": "labels"}

TRIED = {
    name: metric
    for name, metric in CATALOGUE.items()
    if metric.scale != "nats" and not (metric.needs_training and metric.space == "labels")
}
Draws = dict[str, np.ndarray]  # source -> scores (draws,)
UNKNOWN, NONE = np.array([math.nan]), np.array([])


def sensitivity_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Score every metric that needs no training on every corruption, in every space in which it was measured.

    Args:
        scores: the scores of all sources: model, seed, set, draw, metric, space, label and value.

    Returns:
        A row for each metric, space and corruption, in the order of the catalogue:

        - space: classifier; random, the mean over the random networks; pixels; empty for labels;
        - value, real: the mean over draws of the score, and of real images. These are copies of training images, but
          test images for a metric of novelty;
        - excess, preference: see the module;
        - declared: sees, blind, prefers or empty;
        - found: sees, edge, blind or prefers; empty without a score, when the numbers are NaN.

    Raises:
        ValueError: if a corruption, or the test images, were not scored.
    """
    sources = [TEST, *BASELINE_OF.values()]
    if missing := [source for source in sources if source not in set(scores["model"])]:
        raise ValueError(
            f"The sensitivity check needs scores of the test images and of {len(BASELINE_OF)} baselines, but there are "
            f"none of {', '.join(missing)}. Measure these too."
        )
    chosen = scores[
        scores["model"].isin(sources)
        & scores["metric"].isin(list(TRIED))
        & (scores["set"] == "images")
        & scores["label"].isna()
        & scores["value"].notna()
    ]
    spaces = [re.sub(r"_\d+$", "", str(space)) for space in chosen["space"].astype(object).fillna("")]
    keys = ["metric", "space", "model"]
    draws = chosen.assign(space=spaces).groupby([*keys, "seed", "draw"])["value"].mean()
    measured: dict[tuple[str, str], Draws] = {}
    for (name, space, source), values in draws.groupby(keys):
        measured.setdefault((str(name), str(space)), {})[str(source)] = values.to_numpy()
    rows = [
        row
        for metric in TRIED.values()
        for space in SPACES
        if (metric.name, space) in measured
        for row in climb(metric, space, measured[metric.name, space])
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def climb(metric: Metric, space: str, draws: Draws) -> Iterator[dict[str, Any]]:
    """Yield the rows of one metric in one space, from its scores of each source; a missing source gives NaN."""
    test = draws.get(TEST, UNKNOWN)
    real, more = (test, NONE) if metric.question == "novelty" else (draws.get(COPIES, UNKNOWN), test)
    for corruption in CORRUPTIONS:
        values = draws.get(BASELINE_OF[corruption], UNKNOWN)
        worse, better = excess(metric, values, real, more), preference(metric, values, real, more)
        yield {
            **{"metric": metric.name, "space": space, "corruption": corruption},
            **{"value": values.mean(), "real": real.mean(), "excess": worse, "preference": better},
            **{"declared": declared(metric, space, corruption), "found": found(worse, better)},
        }


def excess(metric: Metric, values: np.ndarray, real: np.ndarray, more: np.ndarray = NONE) -> float:
    """Return (loss of the mean score - worst loss of real images) / (range of the losses of real images).

    Losses are compared on the scale of the metric. The range counts as at least 2 % of the mean score of real images.

    Args:
        metric: decides the direction of the score.
        values: (draws,) scores of the images in question.
        real: (draws,) scores of real images; their mean is the reference of `closer to real`.
        more: (draws,) scores of other real images, which may be worse.
    """
    loss, losses, width = compared(metric, values, real, more)
    return float((loss - losses.max()) / width)


def preference(metric: Metric, values: np.ndarray, real: np.ndarray, more: np.ndarray = NONE) -> float:
    """Return (best loss of real images - loss of the mean score) / (range of the losses of real images).

    The best loss is that of a draw or of the mean of all draws, which may be nearer to a perfect value than each.
    """
    loss, losses, width = compared(metric, values, real, more)
    best = min(losses.min(), float(metric.loss(real.mean(), float(real.mean()))))
    return float((best - loss) / width)


def compared(metric: Metric, values: np.ndarray, real: np.ndarray, more: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the loss of the mean score, the losses of real images, and their range."""
    typical = float(real.mean())
    losses = metric.loss(np.concatenate([real, more]), typical)
    least = LEAST_WIDTH if metric.scale == "log" else LEAST_WIDTH * abs(float(metric.scaled(typical)))
    return float(metric.loss(values.mean(), typical)), losses, float(max(np.ptp(losses), least, 1e-12))


def declared(metric: Metric, space: str, corruption: str) -> str:
    """Return what the metric declares about a corruption in its own space: "sees", "blind", "prefers" or "".

    In other spaces it declares nothing. A metric of novelty declares only what it sees: corruptions are made of
    training images, which it always sees.
    """
    if metric.space != SPACES[space]:
        return ""
    if corruption in metric.sees:
        return "sees"
    if metric.question == "novelty":
        return ""
    return "blind" if corruption in metric.blind else "prefers" if corruption in metric.prefers else ""


def found(worse: float, better: float) -> str:
    """Return what an excess and a preference mean: "sees", "edge", "blind" or "prefers"; "" for NaN."""
    if math.isnan(worse):
        return ""
    if better >= PREFERRED:
        return "prefers"
    return "sees" if worse >= SEEN else "blind" if worse <= UNSEEN else "edge"


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a sensitivity table that contradict the declarations; the edge does not count.

    A corruption that is preferred must be declared so, but it may be seen in another space.
    """
    said, found = table["declared"], table["found"]
    metrics = [CATALOGUE[name] for name in table["metric"]]
    silent = [m.space != SPACES[s] or m.question == "novelty" for m, s in zip(metrics, table["space"], strict=True)]
    somewhere = (found == "prefers").groupby([table["metric"], table["corruption"]]).transform("any")
    opposite = ((said == "sees") & found.isin(["blind", "prefers"])) | ((said == "blind") & (found == "sees"))
    undeclared = (found == "prefers") & (said != "prefers") & ~np.array(silent, bool)
    return table[opposite | undeclared | ((said == "prefers") & ~somewhere & (found != ""))]
