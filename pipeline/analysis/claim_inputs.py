"""Collect what a run measured that bears on the paper's claims, with the uncertainty of each number."""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from pipeline.analysis.seed_spread import Spreads
from pipeline.analysis.summary import Score, by_draw, pooled_sd, seed_means, trainings
from pipeline.analysis.uncertainty import (
    Estimate,
    Interval,
    difference_interval,
    difference_of,
    interval_of,
    seed_interval,
)
from pipeline.core.names import TEST
from pipeline.metrics.labels import total_variation
from pipeline.metrics.neighbours import nearest_others

T = TypeVar("T")
UNCLEAR = ("conformal_ambiguous", "conformal_unlike")
BY_SPREAD = " One training: the interval uses the spread between seeds that was measured for such models."
BySeed = Mapping[str, Mapping[int, T]]  # by model, then by seed; a model without the quantity is missing


class NotInThisRun(Exception):
    """Report that this run did not train or measure what a claim needs; the message becomes the note of the claim."""


@dataclass(frozen=True)
class Inputs:
    """Hold everything that claims are judged by."""

    metrics: pd.DataFrame  # the tidy table of all sources
    summary: pd.DataFrame
    verdicts: pd.DataFrame
    spreads: Spreads  # between trainings of a family
    records: BySeed[Mapping[str, Any]]  # of the training runs
    alarms: BySeed[pd.DataFrame]
    gradients: BySeed[pd.DataFrame]  # norms of the generator's gradient while a fresh discriminator learns
    confidence: BySeed[np.ndarray]  # returned by `clear_confidence`
    correlations: BySeed[float]  # returned by `loss_correlation`
    neighbours: BySeed[tuple[int, int]]  # returned by `neighbour_hits`

    @functools.cached_property
    def trained(self) -> dict[Score, list[np.ndarray]]:
        """Return the draws of each training run, by score."""
        return trainings(by_draw(self.metrics))

    def draws(self, model: str, metric: str) -> list[np.ndarray]:
        """Return the draws of a score of images that needs no feature space: one array (draws,) for each seed.

        Raises:
            NotInThisRun: the score was not measured.
        """
        for space in ("", "pixels"):
            if found := self.trained.get(Score(model, "images", metric, space)):
                return found
        raise NotInThisRun(f"The metric {metric} was not measured for {model}.")

    def clear(self, model: str) -> list[np.ndarray]:
        """Return the share of clear digits, those with exactly one likely label: one array (draws,) for each seed."""
        kinds = zip(*(self.draws(model, metric) for metric in UNCLEAR), strict=True)
        return [1 - ambiguous - unlike for ambiguous, unlike in kinds]

    def sd_seeds(self, model: str, *metrics: str) -> tuple[float, int] | None:
        """Return the known standard deviation between seeds of a sum of scores of the model's family, and its freedom.

        For several scores it is the sum of theirs, which is the most that it can be. None if one is not known.
        """
        rows = [self.spreads.get((self.family(model), metric, "")) for metric in metrics]
        found = [row for row in rows if row]
        if len(found) < len(metrics):
            return None
        return sum(row.sd for row in found), min(row.seeds for row in found) - 1

    def ratio(self, model: str, metric: str) -> tuple[Interval, str]:
        """Return a score in pixels that is a ratio, with its interval and sentence as in `estimate`."""
        draws, family = self.draws(model, metric), self.family(model)
        known = self.spreads.get((family, metric, "pixels"))
        if len(draws) > 1 or known is None:
            return estimate(draws)
        found, where = estimate([np.log(draws[0])], (known.sd, known.seeds - 1))
        low, high = (math.exp(end) if end is not None else None for end in (found.lower, found.upper))
        return Interval(float(draws[0].mean()), known.sd, low, high), where

    def family(self, model: str) -> str:
        """Return the family of a model that was trained in this run."""
        return next(iter(self.records[model].values()))["family"]

    def spread(self, metric: str) -> float:
        """Return the standard deviation of a score between draws of the real test images; 0 with a single draw."""
        return pooled_sd(self.draws(TEST, metric)) or 0.0


def of(what: BySeed[T], model: str, name: str) -> list[T]:
    """Return the values of a model, one for each seed; `name` describes them in the message.

    Raises:
        NotInThisRun: the model has none.
    """
    if not what.get(model):
        raise NotInThisRun(f"This run has no {name} of {model}.")
    return list(what[model].values())


def estimate(draws: list[np.ndarray], known: tuple[float, int] | None = None) -> tuple[Interval, str]:
    """Return the mean of a score with its interval, and a sentence that qualifies it.

    The interval is over seeds. With one seed it follows from the known standard deviation between seeds of the model's
    family and its degrees of freedom, and else it is over the draws of that training run; the sentence says which.
    """
    if len(draws) > 1:
        return seed_interval(seed_means(draws)), ""
    if known:
        return interval_of(one_seed(draws, known)), BY_SPREAD
    return seed_interval(draws[0]), " In this one training: the interval is over its draws."


def contrast(
    a: list[np.ndarray], b: list[np.ndarray], known: Sequence[tuple[float, int] | None] = (None, None)
) -> tuple[Interval, str]:
    """Return the difference a - b of a score between two models, with its interval and sentence as in `estimate`."""
    if not len(a) == len(b) == 1:
        return difference_interval(seed_means(a), seed_means(b)), ""
    of_a, of_b = known
    if of_a and of_b:
        return difference_of(one_seed(a, of_a), one_seed(b, of_b)), BY_SPREAD
    return difference_interval(a[0], b[0]), " In this one training each: the interval is over their draws."


def one_seed(draws: list[np.ndarray], known: tuple[float, int]) -> Estimate:
    """Return the mean over the draws of one seed with the known variance between seeds."""
    return Estimate(float(draws[0].mean()), known[0] ** 2, known[1], 1)


def side(interval: Interval, edge: float) -> Literal[-1, 0, 1]:
    """Return 1 if the interval lies above the edge, -1 if it lies below, else 0; 0 also if there is no interval."""
    if interval.lower is None or interval.upper is None:
        return 0
    return 1 if interval.lower > edge else -1 if interval.upper < edge else 0


def clear_confidence(labels: pd.DataFrame, count: int) -> np.ndarray:
    """Return the mean calibrated confidence in the labels of clear digits, from one labels table.

    Args:
        labels: the table of one training run.
        count: the number of images of one draw.

    Returns:
        (draws,), without draws that have no clear digit.
    """
    clear = labels[(labels["set"] == "images") & (labels["kind"] == "clear")]
    return clear.groupby(clear["index"] // count)["confidence"].mean().to_numpy()


def loss_correlation(history: pd.DataFrame, terms: Sequence[str], shares: pd.DataFrame, real: pd.Series) -> float:
    """Return Spearman's rank correlation between a loss and the distance of the labels, over the snapshots of a run.

    Args:
        history: step, and each logged quantity.
        terms: the columns whose sum is the loss. A snapshot gets the mean over the steps since the previous one.
        shares: step, label, share: the predicted labels of each snapshot.
        real: the share of each label among real images. The distance of the labels is the total variation from these.

    Returns:
        1 if the loss falls exactly as the labels approach those of real images. NaN if one of the two is constant, or
        with fewer than three snapshots.
    """
    predicted = shares.pivot(index="step", columns="label", values="share")
    truth = real.reindex(predicted.columns).to_numpy(float)
    block = np.searchsorted(predicted.index, history["step"])
    loss = history[list(terms)].sum(axis=1).groupby(block).mean().reindex(range(len(predicted)))
    distance = [total_variation(row, truth) for row in predicted.to_numpy()]
    table = pd.DataFrame({"loss": loss.to_numpy(), "distance": distance}).rank()
    return float(table["loss"].corr(table["distance"])) if len(table) > 2 else math.nan


def neighbour_hits(codes: np.ndarray, labels: np.ndarray) -> tuple[int, int]:
    """Return how many codes (n, d) have the same label (n,) as the nearest other code, and n."""
    return int((labels[nearest_others(codes, 1)[0][:, 0]] == labels).sum()), len(labels)
