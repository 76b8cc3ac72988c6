"""How the models are scored: every metric of the catalogue, and what this run's rulers make of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.metrics.base import CORRUPTIONS, Metric, Question
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.measures import PLAIN, QUESTIONS, RULERS, SPACES, WHERE, Asked, Plain, direction
from pipeline.report.results import LADDER, REAL, Figure, Results
from pipeline.report.scores import IMAGES, Cell, Summary

SURPRISING = ["metric", "space", "rung", "declared", "found"]


@dataclass(frozen=True)
class Scale:
    """What a metric says in one space of the real test images, half against half, and of noise."""

    space: str
    floor: Cell | None
    noise: Cell | None


@dataclass(frozen=True)
class Method:
    """One metric of the catalogue, in words."""

    metric: Metric
    direction: str
    where: str
    sees: Sequence[str]
    blind: Sequence[str]
    scales: Sequence[Scale]


@dataclass(frozen=True)
class Chapter:
    """The metrics of one question."""

    question: Question
    asked: Asked
    methods: Sequence[Method]


@dataclass(frozen=True)
class Network:
    """What makes a feature space: its name in tables, and the digest of its weights."""

    space: str
    digest: str


@dataclass(frozen=True)
class Surprise:
    """A rung of the ladder that a metric took otherwise than declared."""

    metric: Metric
    space: str
    rung: str
    declared: str
    found: str


@dataclass(frozen=True)
class MethodsPage:
    """The metrics, the protocol, and the ladder if it was run."""

    chapters: Sequence[Chapter]
    plain: Sequence[Plain]
    rulers: Sequence[str]
    networks: Sequence[Network]
    samples: Sequence[int]  # different numbers of samples that scores rest on
    draws: int
    random_networks: int
    seeds: Sequence[int]
    ladder: Figure | None
    surprises: Sequence[Surprise]


def methods_page(results: Results) -> MethodsPage:
    """Join the catalogue with the tables of the run."""
    summary = Summary(results.summary)
    scores = results.metrics[results.metrics["metric"].isin(CATALOGUE)]
    return MethodsPage(
        chapters=[
            Chapter(
                question,
                asked,
                [method(metric, summary) for metric in CATALOGUE.values() if metric.question == question],
            )
            for question, asked in QUESTIONS.items()
        ],
        plain=PLAIN,
        rulers=[title for name, title in RULERS.items() if (name, IMAGES) in summary.sources],
        networks=networks(results.metrics),
        samples=sorted({int(n) for n in scores["n"].dropna()}),
        draws=results.params.samples.draws,
        random_networks=results.params.metrics.random_networks,
        seeds=results.params.seeds,
        ladder=results.figures.get(LADDER),
        surprises=[] if results.ladder is None else surprises(results.ladder),
    )


def method(metric: Metric, summary: Summary) -> Method:
    """One metric, with its scale in every space that it was measured in."""
    return Method(
        metric,
        direction(metric),
        WHERE[metric.space],
        [CORRUPTIONS[rung] for rung in metric.sees],
        [CORRUPTIONS[rung] for rung in metric.blind],
        [
            Scale(space, *(summary.cell(ruler, metric.name, space) for ruler in (REAL, "noise")))
            for space in SPACES
            if (metric.name, space) in summary.spaces
        ],
    )


def networks(metrics: pd.DataFrame) -> list[Network]:
    """The networks whose features were compared."""
    made = metrics[["space", "digest"]].dropna().drop_duplicates().sort_values("space")
    return [Network(*row) for row in made.itertuples(index=False, name=None)]


def surprises(ladder: pd.DataFrame) -> list[Surprise]:
    """Where the ladder of this run shows the opposite of what the catalogue declares."""
    clear = ladder["declared"].isin(["sees", "blind"]) & ladder["found"].isin(["sees", "blind"])
    table = ladder[clear & (ladder["declared"] != ladder["found"])]
    return [
        Surprise(CATALOGUE[metric], space, CORRUPTIONS[rung], declared, found)
        for metric, space, rung, declared, found in table[SURPRISING].itertuples(index=False, name=None)
    ]
