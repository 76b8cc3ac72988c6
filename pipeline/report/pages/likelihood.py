"""Choose what the page on likelihood shows: for each model, each kind of number that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.metrics.catalogue import CATALOGUE
from pipeline.metrics.likelihood import OF_SUPPORT
from pipeline.report.inputs import Results
from pipeline.report.pairwise import Rank
from pipeline.report.score_tables import Table, laid_out

STUDENT = "student_nats"


@dataclass(frozen=True)
class Probability:
    """Hold the log-probability of real images under one model, as means over seeds."""

    name: str
    rank: Rank | None  # None for a model that is not compared
    kind: str  # exact | bound | estimate
    lower: float  # nats per image
    upper: float | None  # None for a bound
    bits: float | None  # per pixel, for images of 256 levels
    images: int  # test images that it is of
    method: str
    floor: float


@dataclass(frozen=True)
class LikelihoodPage:
    """Hold the models by what their probabilities are of, and the student's scores of all sources."""

    ink: Sequence[Probability]
    levels: Sequence[Probability]
    without: Sequence[str]  # models that give images no probability
    student: Table


def likelihood_page(results: Results) -> LikelihoodPage:
    """Choose the numbers, the best first."""
    names = list(results.params.models)
    of_support = {
        support: sorted(
            (
                probability(name, ranked(results.ranks, metric, name), found)
                for name, found in results.likelihoods.items()
                if found[0]["support"] == support
            ),
            key=lambda each: -each.lower,
        )
        for support, metric in OF_SUPPORT.items()
    }
    return LikelihoodPage(
        ink=of_support["ink"],
        levels=of_support["levels"],
        without=[name for name in names if name not in results.likelihoods],
        student=laid_out({CATALOGUE[STUDENT]: ["pixels"]}, results.scores, results.ranks, names),
    )


def ranked(ranks: pd.DataFrame, metric: str, name: str) -> Rank | None:
    """Return the rank of a model by a score; None if it was not compared."""
    found = ranks[(ranks["metric"] == metric) & (ranks["model"] == name)]
    return None if found.empty else Rank(name, int(found["best"].item()), int(found["worst"].item()))


def probability(name: str, rank: Rank | None, seeds: Sequence[Mapping[str, Any]]) -> Probability:
    """Return the means over the seeds of a model."""

    def mean(key: str) -> float | None:
        values = [seed[key] for seed in seeds]
        return None if None in values else float(sum(values) / len(values))

    first = seeds[0]
    lower, floor = (mean(key) or 0.0 for key in ("lower", "floor"))
    upper, bits = mean("upper"), mean("bits")
    return Probability(name, rank, first["kind"], lower, upper, bits, first["images"], first["method"], floor)
