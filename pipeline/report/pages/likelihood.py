"""Choose what the page on likelihood shows: for each model, each kind of number that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.names import TEST
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.metrics.likelihood import OF_SUPPORT
from pipeline.report.inputs import Results
from pipeline.report.score_tables import Cell, Table, laid_out

STUDENT = "student_nats"


@dataclass(frozen=True)
class Probability:
    """Hold the log-probability of real images under one model, as means over seeds."""

    name: str
    kind: str  # exact | bound | estimate
    lower: float  # nats per image
    upper: float | None  # None for a bound
    bits: float | None  # per pixel, for images of 256 levels
    images: int  # test images that it is of
    method: str
    floor: float
    gap: float


@dataclass(frozen=True)
class LikelihoodPage:
    """Hold the models by what their probabilities are of, and the student's scores of all sources."""

    ink: Sequence[Probability]
    levels: Sequence[Probability]
    without: Sequence[str]  # models that give images no probability
    student: Table
    pairs: Mapping[str, Sequence[tuple[str, str, str]]]  # by support: two models, and the better one or ""
    real: Cell | None  # the student of real images


def likelihood_page(results: Results) -> LikelihoodPage:
    """Choose the numbers, the best first."""
    names = list(results.params.models)
    of_support = {
        support: sorted(
            (probability(name, found) for name, found in results.likelihoods.items() if found[0]["support"] == support),
            key=lambda each: -each.lower,
        )
        for support in OF_SUPPORT
    }
    found = results.verdicts
    return LikelihoodPage(
        ink=of_support["ink"],
        levels=of_support["levels"],
        without=[name for name in names if name not in results.likelihoods],
        student=laid_out({CATALOGUE[STUDENT]: ["pixels"]}, results.scores, results.ranks, names),
        pairs={
            support: list(found[found["metric"] == metric][["a", "b", "points"]].itertuples(index=False, name=None))
            for support, metric in OF_SUPPORT.items()
        },
        real=results.scores.cell(TEST, STUDENT),
    )


def probability(name: str, seeds: Sequence[Mapping[str, Any]]) -> Probability:
    """Return the means over the seeds of a model."""

    def mean(key: str) -> float | None:
        values = [seed[key] for seed in seeds]
        return None if None in values else float(sum(values) / len(values))

    first = seeds[0]
    lower, floor, gap = (mean(key) or 0.0 for key in ("lower", "floor", "gap"))
    upper, bits = mean("upper"), mean("bits")
    return Probability(name, first["kind"], lower, upper, bits, first["images"], first["method"], floor, gap)
