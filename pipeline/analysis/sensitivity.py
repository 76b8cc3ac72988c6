"""Check the sensitivity of the metrics: how does each score change on images with known corruptions?

The excess of a score is (loss - worst loss of real images) / (range of the losses of real images). A metric sees a
corruption if the excess is at least 1, and is blind to it if the excess is at most 0.5. An excess in between is on the
edge, which agrees with either declaration.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.names import COPIES, TEST
from pipeline.metrics.base import BASELINE_OF, CORRUPTIONS, Metric
from pipeline.metrics.catalogue import CATALOGUE

SEEN, UNSEEN = 1.0, 0.5  # the excess from which a corruption is seen, and up to which it is not
LEAST_WIDTH = 0.02  # smallest range of losses, as a share of the score of real images
COLUMNS = ["metric", "space", "corruption", "value", "real", "excess", "declared", "found"]

# Spaces of the sensitivity check, and the name of each in a metric's declaration.
SPACES = {"classifier": "features", "random": "features", "pixels": "pixels", "": "labels"}

TRIED = {name: metric for name, metric in CATALOGUE.items() if not (metric.needs_training and metric.space == "labels")}
Draws = dict[str, np.ndarray]  # source -> scores (draws,)
UNKNOWN, NONE = np.array([math.nan]), np.array([])

# Metrics compared on another scale: numbers of images by their logarithm, p values only as far as they are unusual.
SCALES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "support": np.log,
    "support_by_pairs": np.log,
    "label_p": lambda p: np.minimum(p, 0.05),
}


def sensitivity_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Score every metric that needs no training on every corruption, in every space in which it was measured.

    Args:
        scores: the scores of all sources: model, seed, set, draw, metric, space, label and value.

    Returns:
        A row for each metric, space and corruption, in the order of the catalogue:

        - space: classifier; random, the mean over the random networks; pixels; empty for labels;
        - value, real: the mean over draws of the score, and of real images. These are copies of training images, but
          test images for a metric of novelty;
        - excess: see the module;
        - declared: sees, blind or empty;
        - found: sees, edge or blind; empty without a score, when value and excess are NaN.

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
        worse = excess(metric, values, real, more)
        yield {
            **{"metric": metric.name, "space": space, "corruption": corruption},
            **{"value": values.mean(), "real": real.mean(), "excess": worse},
            **{"declared": declared(metric, space, corruption), "found": found(worse)},
        }


def excess(metric: Metric, values: np.ndarray, real: np.ndarray, more: np.ndarray = NONE) -> float:
    """Return (loss of the mean score - worst loss of real images) / (range of the losses of real images).

    The range counts as at least 2 % of the mean score of real images. Numbers of different images are compared by their
    logarithms; p values above 0.05 count as 0.05.

    Args:
        metric: decides the direction of the score.
        values: (draws,) scores of the images in question.
        real: (draws,) scores of real images; their mean is the reference of `closer to real`.
        more: (draws,) scores of other real images, which may be worse.
    """
    scale = SCALES.get(metric.name, np.asarray)
    values, real, more = scale(values), scale(real), scale(more)
    typical = float(real.mean())
    losses = loss(metric, np.concatenate([real, more]), typical)
    width = max(np.ptp(losses), LEAST_WIDTH * abs(typical), 1e-12)
    return float((loss(metric, values.mean(), typical) - losses.max()) / width)


def loss(metric: Metric, values: Any, real: float) -> Any:
    """Return how bad scores are, in their own unit; `real` is the score of real images."""
    if metric.better == "lower":
        return values
    if metric.better == "higher":
        return -values
    return abs(values - (real if isinstance(metric.better, str) else metric.better))


def declared(metric: Metric, space: str, corruption: str) -> str:
    """Return what the metric declares about a corruption in its own space: "sees", "blind" or "".

    In other spaces it declares nothing. A metric of novelty never declares that it is blind: corruptions are made of
    training images, which it always sees.
    """
    if metric.space != SPACES[space]:
        return ""
    if corruption in metric.sees:
        return "sees"
    return "blind" if corruption in metric.blind and metric.question != "novelty" else ""


def found(worse: float) -> str:
    """Return what an excess means: "sees", "edge" or "blind"; "" for NaN."""
    if math.isnan(worse):
        return ""
    return "sees" if worse >= SEEN else "blind" if worse <= UNSEEN else "edge"


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a sensitivity table that found the opposite of what is declared; the edge does not count."""
    clear = table["declared"].isin(["sees", "blind"]) & table["found"].isin(["sees", "blind"])
    return table[clear & (table["declared"] != table["found"])]
