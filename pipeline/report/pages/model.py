"""Choose what is shown of each set of images: its pictures, its numbers, and for a model how it was trained."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.core.names import TEST
from pipeline.report.inputs import Figure, Results
from pipeline.report.markdown import prose
from pipeline.report.score_tables import IMAGES, OBSERVATIONS, Cell, Measured, Summary
from pipeline.report.training_health import Health, health
from pipeline.report.wording import PLAIN, Plain


@dataclass(frozen=True)
class Source:
    """Hold a set of images with its pictures and numbers."""

    name: str
    href: str | None
    figures: Mapping[str, Figure]  # by name without extension
    cells: Mapping[str, Cell]  # by metric; metrics that were not measured are missing


@dataclass(frozen=True)
class SeedRow:
    """Hold one plain number of one set of images, for each seed."""

    plain: Plain
    drawn: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Share:
    """Hold how often one class was predicted, for the model and for the real test images."""

    label: str
    share: Cell | None
    real: Cell | None


@dataclass(frozen=True)
class Kind:
    """Hold the share of one conformal category, for the model and for the real test images."""

    name: str
    metric: str  # empty for the remaining category, "clear"
    share: float
    real: float


@dataclass(frozen=True)
class Exhibit:
    """Hold a picture of what only one kind of model has."""

    figure: Figure
    title: str
    caption: str


@dataclass(frozen=True)
class ModelView(Source):
    """Hold everything that is shown of one model."""

    family: str
    paragraph: Markup
    code: str
    capabilities: Set[str]
    overrides: Mapping[str, Any]
    settings: Mapping[str, Any]
    networks: Sequence[Mapping[str, Any]]
    parameters: int
    seeds: Sequence[int]
    seed_rows: Sequence[SeedRow]
    shares: Sequence[Share]
    kinds: Sequence[Kind]
    training: Sequence[Mapping[str, Any]]
    exhibits: Sequence[Exhibit]
    health: Health | None  # None for a model that is not trained by gradient descent


def model_views(results: Results) -> list[ModelView]:
    """Return one view for each model, in the order of params.yaml."""
    return [model_view(results, name) for name in results.params.models]


def model_view(results: Results, name: str) -> ModelView:
    """Choose what is shown of one model."""
    model, network = results.params.models[name], results.networks[name]
    family, training = results.families[model.family], results.training[name]
    summary, measured, figures = results.scores, results.measured, figures_of(results, name)
    return ModelView(
        name=name,
        href=f"models/{name}.html",
        figures=figures,
        cells=cells_of(summary, name),
        family=model.family,
        paragraph=prose(family.paragraph),
        code=family.code,
        capabilities=family.capabilities,
        overrides=model.overrides,
        settings=training[0]["config"] if training else model.overrides,
        networks=network["networks"],
        parameters=network["parameters"],
        seeds=results.params.seeds,
        seed_rows=seed_rows(measured, name, results.params.seeds),
        shares=[
            Share(label, measured.share(name, index), measured.share(TEST, index))
            for index, label in enumerate(results.classifier["class_names"])
        ],
        kinds=kinds(summary, name),
        training=training,
        exhibits=[
            Exhibit(figures[exhibit], **shown[name]) for exhibit, shown in results.exhibits.items() if name in shown
        ],
        health=health(results.alarms[name], results.experiments.get(name, ())) if name in results.alarms else None,
    )


def figures_of(results: Results, owner: str) -> dict[str, Figure]:
    """Return the figures in the owner's folder, by name without extension."""
    return {
        path.partition("/")[2].partition(".")[0]: figure
        for path, figure in results.figures.items()
        if path.startswith(f"{owner}/")
    }


def cells_of(summary: Summary, name: str) -> dict[str, Cell]:
    """Return the scores of a source by metric, each in the space that represents the metric."""
    cells = {metric: summary.cell(name, metric) for metric, _ in summary.spaces}
    return {metric: cell for metric, cell in cells.items() if cell}


def kinds(summary: Summary, name: str) -> list[Kind]:
    """Return the shares of the conformal categories; none if they were not measured."""
    shares = []
    for kind, metric in (("ambiguous", "conformal_ambiguous"), ("unlike any class", "conformal_unlike")):
        here, real = summary.cell(name, metric), summary.cell(TEST, metric)
        if here is None or real is None:
            return []
        shares.append(Kind(kind, metric, here.value, real.value))
    left = (1 - sum(kind.share for kind in shares), 1 - sum(kind.real for kind in shares))
    return [Kind("clear", "", *left), *shares]


def seed_rows(measured: Measured, name: str, seeds: Sequence[int]) -> list[SeedRow]:
    """Return the plain numbers of a model's images and observations, for each seed."""
    rows = []
    for drawn in (IMAGES, OBSERVATIONS):
        for plain in PLAIN:
            values = measured.by_seed(name, plain.name, drawn)
            if values:
                rows.append(SeedRow(plain, drawn, [values.get(seed) for seed in seeds]))
    return rows
