"""What a run knows that bears on the paper's claims, and how far each number can be trusted."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from pipeline.analysis.summary import Score, by_draw, pooled_sd, seed_means, trainings
from pipeline.analysis.uncertainty import Interval, difference_interval, seed_interval
from pipeline.core.names import TEST
from pipeline.metrics import distances
from pipeline.metrics.labels import total_variation

T = TypeVar("T")
BySeed = Mapping[str, Mapping[int, T]]  # by model, then by seed; what a model has not is missing


class NotInThisRun(Exception):
    """What a claim needs was not trained or not measured; the message is its note."""


@dataclass(frozen=True)
class Inputs:
    """Everything that claims are judged by."""

    metrics: pd.DataFrame  # tidy, of all sources
    summary: pd.DataFrame
    verdicts: pd.DataFrame
    records: BySeed[Mapping[str, Any]]  # of the trainings
    alarms: BySeed[pd.DataFrame]
    gradients: BySeed[pd.DataFrame]  # while a fresh discriminator learns
    confidence: BySeed[np.ndarray]  # of `clear_confidence`
    correlations: BySeed[float]  # of `loss_correlation`
    neighbours: BySeed[tuple[int, int]]  # of `neighbour_hits`

    @functools.cached_property
    def trained(self) -> dict[Score, list[np.ndarray]]:
        """The draws of each training."""
        return trainings(by_draw(self.metrics))

    def draws(self, model: str, metric: str) -> list[np.ndarray]:
        """Of a score of images without a feature space: one array (draws,) a seed.

        Raises:
            NotInThisRun: there is none.
        """
        for space in ("", "pixels"):
            if found := self.trained.get(Score(model, "images", metric, space)):
                return found
        raise NotInThisRun(f"The metric {metric} was not measured for {model}.")

    def clear(self, model: str) -> list[np.ndarray]:
        """The share of clear digits: one array (draws,) a seed."""
        kinds = zip(*(self.draws(model, f"conformal_{kind}") for kind in ("ambiguous", "unlike")), strict=True)
        return [1 - ambiguous - unlike for ambiguous, unlike in kinds]

    def spread(self, metric: str) -> float:
        """The standard deviation of a score between draws of the real test images; 0 where there is but one."""
        return pooled_sd(self.draws(TEST, metric)) or 0.0


def of(what: BySeed[T], model: str, name: str) -> list[T]:
    """One value for each seed.

    Raises:
        NotInThisRun: the model has none.
    """
    if not what.get(model):
        raise NotInThisRun(f"This run has no {name} of {model}.")
    return list(what[model].values())


def estimate(draws: list[np.ndarray]) -> tuple[Interval, str]:
    """A score with its interval over seeds; or over the draws of the one training, which the words then say."""
    if len(draws) > 1:
        return seed_interval(seed_means(draws)), ""
    return seed_interval(draws[0]), " In this one training."


def contrast(a: list[np.ndarray], b: list[np.ndarray]) -> tuple[Interval, str]:
    """The score of one model less that of another, with its interval as in `estimate`."""
    if len(a) == len(b) == 1:
        return difference_interval(a[0], b[0]), " In this one training each."
    return difference_interval(seed_means(a), seed_means(b)), ""


def side(interval: Interval, edge: float) -> Literal[-1, 0, 1]:
    """1 if the interval lies above the edge, -1 if it lies below, else 0; always 0 where there is no interval."""
    if interval.lower is None or interval.upper is None:
        return 0
    return 1 if interval.lower > edge else -1 if interval.upper < edge else 0


def clear_confidence(labels: pd.DataFrame, count: int) -> np.ndarray:
    """The mean calibrated confidence in the labels of clear digits, from one labels table.

    Args:
        count: images of one draw.

    Returns:
        (draws,), without those that have no clear digit.
    """
    clear = labels[(labels["set"] == "images") & (labels["kind"] == "clear")]
    return clear.groupby(clear["index"] // count)["confidence"].mean().to_numpy()


def loss_correlation(history: pd.DataFrame, terms: Sequence[str], shares: pd.DataFrame, real: pd.Series) -> float:
    """Spearman's rank correlation, over the snapshots of a training, of a loss and the distance of the labels.

    Args:
        history: step, and each logged quantity.
        terms: those whose sum is the loss. Each snapshot has their mean over the steps since the one before.
        shares: step, label, share: of the predicted labels of each snapshot.
        real: the share of each label among real images, by label; the distance is the total variation from these.

    Returns:
        1 if the loss falls exactly as the labels get balanced; NaN where one of the two stands still, or with fewer
        than three snapshots.
    """
    predicted = shares.pivot(index="step", columns="label", values="share")
    truth = real.reindex(predicted.columns).to_numpy(float)
    block = np.searchsorted(predicted.index, history["step"])
    loss = history[list(terms)].sum(axis=1).groupby(block).mean().reindex(range(len(predicted)))
    distance = [total_variation(row, truth) for row in predicted.to_numpy()]
    table = pd.DataFrame({"loss": loss.to_numpy(), "distance": distance}).rank()
    return float(table["loss"].corr(table["distance"])) if len(table) > 2 else math.nan


def neighbour_hits(codes: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """For how many of the codes (n, d) the nearest other one has the same label (n,), and n."""
    return int((labels[distances.nearest(codes)[0]] == labels).sum()), len(labels)
