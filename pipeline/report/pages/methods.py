"""Choose what the methods page shows: every metric of the catalogue, and how this run's baselines score."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.analysis.sensitivity import disagreements
from pipeline.core.names import SHOWN, TEST
from pipeline.metrics.base import CORRUPTIONS, Metric, Question
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.inputs import Figure, Results
from pipeline.report.score_tables import IMAGES, Cell, Summary
from pipeline.report.wording import PLAIN, QUESTIONS, SPACES, WHERE, Asked, Plain, direction

SURPRISING = ["metric", "space", "corruption", "declared", "found"]


@dataclass(frozen=True)
class Scale:
    """Hold a metric's values in one space, for the real test images (half against half) and for noise."""

    space: str
    floor: Cell | None
    noise: Cell | None


@dataclass(frozen=True)
class Method:
    """Describe one metric of the catalogue."""

    metric: Metric
    direction: str
    where: str
    sees: Sequence[str]
    blind: Sequence[str]
    prefers: Sequence[str]
    scales: Sequence[Scale]


@dataclass(frozen=True)
class Chapter:
    """Hold the metrics of one question."""

    question: Question
    asked: Asked
    methods: Sequence[Method]


@dataclass(frozen=True)
class Network:
    """Identify the network behind a feature space by the digest of its weights."""

    space: str
    digest: str


@dataclass(frozen=True)
class Surprise:
    """Hold a corruption for which the sensitivity check disagrees with the catalogue."""

    metric: Metric
    space: str
    corruption: str
    declared: str
    found: str


@dataclass(frozen=True)
class MethodsPage:
    """Hold the metrics, the protocol, and the sensitivity check if it was run."""

    chapters: Sequence[Chapter]
    plain: Sequence[Plain]
    baselines: Sequence[str]
    networks: Sequence[Network]
    samples: Sequence[int]  # the different numbers of images behind the scores
    draws: int
    random_networks: int
    seeds: Sequence[int]
    sensitivity: Figure | None
    surprises: Sequence[Surprise]
    stability: Sequence[Mapping[Hashable, Any]]  # rows of reference/stability.csv
    error_rates: Sequence[Mapping[Hashable, Any]]


def methods_page(results: Results) -> MethodsPage:
    """Join the catalogue with the tables of the run."""
    summary = results.scores
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
        baselines=[title for name, title in SHOWN.items() if (name, IMAGES) in summary.sources],
        networks=networks(results.metrics),
        samples=sorted({int(n) for n in scores["n"].dropna()}),
        draws=results.params.samples.draws,
        random_networks=results.params.metrics.random_networks,
        seeds=results.params.seeds,
        sensitivity=results.figures.get("comparison/sensitivity.svg"),
        surprises=[] if results.sensitivity is None else surprises(results.sensitivity),
        stability=results.stability.to_dict("records"),
        error_rates=results.error_rates.to_dict("records"),
    )


def method(metric: Metric, summary: Summary) -> Method:
    """Return one metric, with its scale in every space in which it was measured."""
    return Method(
        metric,
        direction(metric),
        WHERE[metric.space],
        [CORRUPTIONS[corruption] for corruption in metric.sees],
        [CORRUPTIONS[corruption] for corruption in metric.blind],
        [CORRUPTIONS[corruption] for corruption in metric.prefers],
        [
            Scale(space, *(summary.cell(baseline, metric.name, space) for baseline in (TEST, "noise")))
            for space in SPACES
            if (metric.name, space) in summary.spaces
        ],
    )


def networks(metrics: pd.DataFrame) -> list[Network]:
    """Return the networks whose features were compared."""
    made = metrics[["space", "digest"]].dropna().drop_duplicates().sort_values("space")
    return [Network(*row) for row in made.itertuples(index=False, name=None)]


def surprises(sensitivity: pd.DataFrame) -> list[Surprise]:
    """List where the sensitivity check of this run shows the opposite of what the catalogue declares."""
    rows = disagreements(sensitivity)[SURPRISING].itertuples(index=False, name=None)
    return [
        Surprise(CATALOGUE[metric], space, CORRUPTIONS[corruption], declared, found)
        for metric, space, corruption, declared, found in rows
    ]
