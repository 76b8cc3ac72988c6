"""Are the metrics what they say they are? Each is tried on images with known damage, the rungs of the ladder.

A metric sees a rung if its score there is worse than the worst of real images, by the width of the range of these or
more. It is blind to it if by half of that or less. In between it is on the edge, which agrees with both declarations.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.dataset import TEST
from pipeline.metrics.base import CORRUPTIONS, Metric
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.rulers import RUNGS

SEEN, UNSEEN = 1.0, 0.5  # the excess from which a rung is seen, and up to which it is not
LEAST_WIDTH = 0.02  # of the baseline
COPIES = "train_copies"
COLUMNS = ["metric", "space", "rung", "value", "baseline", "excess", "declared", "found"]

# The spaces of the ladder, and what a metric that is declared in them calls its own.
SPACES = {"classifier": "features", "random": "features", "pixels": "pixels", "": "labels"}

TRIED = {name: metric for name, metric in CATALOGUE.items() if not (metric.trained and metric.space == "labels")}
Draws = dict[str, np.ndarray]  # of each source: (draws,) scores
UNKNOWN, NONE = np.array([math.nan]), np.array([])

# What is compared on another scale: numbers of images by their order, p values only as far as they are unusual.
SCALES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "support": np.log,
    "support_by_pairs": np.log,
    "label_p": lambda p: np.minimum(p, 0.05),
}


def ladder(scores: pd.DataFrame) -> pd.DataFrame:
    """Every metric of samples alone on every rung, in every space that it was measured in.

    Args:
        scores: those of all sources, with the columns model, seed, set, draw, metric, space, label and value.

    Returns:
        A row for each metric, space (classifier; random, the mean over the random networks; pixels; empty for labels)
        and rung, in the order of the catalogue: the means over draws of the score (value) and of the baseline, which is
        copies of training images but for novelty the test images; `excess`; what is declared (sees, blind or empty) and
        what was found (sees, edge or blind). Without a score, value and excess are NaN and found is empty.

    Raises:
        ValueError: if a rung, or the test images, were not scored.
    """
    sources = [TEST, *RUNGS.values()]
    if missing := [source for source in sources if source not in set(scores["model"])]:
        raise ValueError(
            f"The ladder needs scores of the test images and of {len(RUNGS)} rulers, but there are none of "
            f"{', '.join(missing)}. Measure these too."
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
    """The rows of one metric in one space, from its scores of each source, as far as it has any."""
    test = draws.get(TEST, UNKNOWN)
    real, more = (test, NONE) if metric.question == "novelty" else (draws.get(COPIES, UNKNOWN), test)
    for rung in CORRUPTIONS:
        values = draws.get(RUNGS[rung], UNKNOWN)
        worse = excess(metric, values, real, more)
        yield {
            **{"metric": metric.name, "space": space, "rung": rung},
            **{"value": values.mean(), "baseline": real.mean(), "excess": worse},
            **{"declared": declared(metric, space, rung), "found": found(worse)},
        }


def excess(metric: Metric, values: np.ndarray, real: np.ndarray, more: np.ndarray = NONE) -> float:
    """How much worse the mean of scores is than the worst score of real images, in widths of the range of the latter.

    That range counts as at least 2 % of the baseline. Numbers of different images are compared by their logarithms, p
    values as 0.05 from there on.

    Args:
        values: (draws,) scores of the images in question.
        real: (draws,) of the baseline, real images: its mean is what `closer to real` refers to.
        more: (draws,) of other real images, which may be worse.
    """
    scale = SCALES.get(metric.name, np.asarray)
    values, real, more = scale(values), scale(real), scale(more)
    baseline = float(real.mean())
    losses = loss(metric, np.concatenate([real, more]), baseline)
    width = max(np.ptp(losses), LEAST_WIDTH * abs(baseline), 1e-12)
    return float((loss(metric, values.mean(), baseline) - losses.max()) / width)


def loss(metric: Metric, values: Any, real: float) -> Any:
    """How bad scores are, in their own unit; `real` is the score of real images."""
    if metric.better == "lower":
        return values
    if metric.better == "higher":
        return -values
    return abs(values - (real if isinstance(metric.better, str) else metric.better))


def declared(metric: Metric, space: str, rung: str) -> str:
    """What the metric says of a rung in its own space; of another it says nothing.

    Neither does a metric of novelty say that it is blind: a rung is made of training images, and these it always sees.
    """
    if metric.space != SPACES[space]:
        return ""
    if rung in metric.sees:
        return "sees"
    return "blind" if rung in metric.blind and metric.question != "novelty" else ""


def found(worse: float) -> str:
    """What an excess means."""
    if math.isnan(worse):
        return ""
    return "sees" if worse >= SEEN else "blind" if worse <= UNSEEN else "edge"


def disagreements(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a `ladder` where the opposite of what is declared was found; the edge is no opposite."""
    clear = table["declared"].isin(["sees", "blind"]) & table["found"].isin(["sees", "blind"])
    return table[clear & (table["declared"] != table["found"])]
