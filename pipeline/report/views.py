"""What each page shows, chosen from the results; the templates only place it."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pipeline.report.health import Health, health
from pipeline.report.numbers import METRICS, Cell, Metric, Scores
from pipeline.report.prose import prose
from pipeline.report.results import REAL, Figure, Results

FEW = 3  # models that a sentence can list; of more it names the extremes


@dataclass(frozen=True)
class Scored:
    """A set of images with its pictures and numbers."""

    name: str
    href: str | None
    figures: Mapping[str, Figure]  # by their name without ending
    cells: Mapping[str, Cell | None]  # by metric


@dataclass(frozen=True)
class SeedRow:
    """One metric of one set of images, seed by seed."""

    metric: Metric
    drawn: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Share:
    """How often one class was predicted, and how often on the real test images."""

    label: str
    share: Cell | None
    real: Cell | None


@dataclass(frozen=True)
class ModelView(Scored):
    """All there is to show of one model."""

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
    training: Sequence[Mapping[str, Any]]
    health: Health | None  # of a model that is trained step by step


@dataclass(frozen=True)
class Finding:
    """What one metric says of the models: each of a few, or the lowest and the highest of many."""

    named: Sequence[tuple[Scored, Cell]]
    models: int
    real: Cell | None


@dataclass(frozen=True)
class Change:
    """A setting that the preset changes."""

    key: str
    paper: Any
    here: Any


@dataclass(frozen=True)
class Confusion:
    """Test images of one class that the classifier took for another."""

    true: str
    predicted: str
    count: int


@dataclass(frozen=True)
class Run:
    """What was run: the facts on the first screen."""

    dataset: str
    preset: str
    changes: Sequence[Change]
    seeds: Sequence[int]
    samples: int
    ambiguous_below: float
    arithmetic: Sequence[str]


@dataclass(frozen=True)
class IndexPage:
    """The comparison."""

    run: Run
    models: Sequence[ModelView]
    real: Scored
    metrics: Sequence[Metric]
    sharpness: Finding
    ambiguous: Finding
    classifier: Mapping[str, Any]
    confusions: Sequence[Confusion]
    figures: Mapping[str, Figure]
    data: Sequence[str]


def model_views(results: Results) -> list[ModelView]:
    """One view for each model, in the order of params.yaml."""
    scores = Scores(results.metrics)
    return [model_view(results, scores, name) for name in results.params.models]


def model_view(results: Results, scores: Scores, name: str) -> ModelView:
    """Choose what is shown of one model."""
    model, network = results.params.models[name], results.networks[name]
    family, training = results.families[model.family], results.training[name]
    return ModelView(
        name=name,
        href=f"models/{name}.html",
        figures=figures_of(results, name),
        cells=cells_of(scores, name),
        family=model.family,
        paragraph=prose(family.paragraph),
        code=family.code,
        capabilities=family.capabilities,
        overrides=model.overrides,
        settings=training[0]["config"] if training else model.overrides,
        networks=network["networks"],
        parameters=network["parameters"],
        seeds=results.params.seeds,
        seed_rows=seed_rows(scores, name, results.params.seeds),
        shares=[
            Share(label, scores.cell(name, "share", index), scores.cell(REAL, "share", index))
            for index, label in enumerate(results.classifier["class_names"])
        ],
        training=training,
        health=health(results.alarms[name], results.experiments.get(name, ())) if name in results.alarms else None,
    )


def figures_of(results: Results, owner: str) -> dict[str, Figure]:
    """The figures in the owner's folder, by their name without ending."""
    return {
        path.partition("/")[2].partition(".")[0]: figure
        for path, figure in results.figures.items()
        if path.startswith(f"{owner}/")
    }


def cells_of(scores: Scores, name: str) -> dict[str, Cell | None]:
    return {metric.key: scores.cell(name, metric.key) for metric in METRICS}


def seed_rows(scores: Scores, name: str, seeds: Sequence[int]) -> list[SeedRow]:
    """The metrics that this model has, of its images and of its draws."""
    rows = []
    for drawn in ("images", "draws"):
        for metric in METRICS:
            values = scores.by_seed(name, metric.key, drawn)
            if values:
                rows.append(SeedRow(metric, drawn, [values.get(seed) for seed in seeds]))
    return rows


def index_page(results: Results, models: Sequence[ModelView]) -> IndexPage:
    """Choose what the comparison shows."""
    real = Scored(REAL, None, figures_of(results, REAL), cells_of(Scores(results.metrics), REAL))
    return IndexPage(
        run=run_of(results),
        models=models,
        real=real,
        metrics=[m for m in METRICS if sum(each.cells[m.key] is not None for each in (real, *models)) > 1],
        sharpness=finding(models, real, "sharpness_ratio"),
        ambiguous=finding(models, real, "ambiguous"),
        classifier=results.classifier,
        confusions=confusions(results),
        figures=figures_of(results, "comparison") | figures_of(results, "classifier"),
        data=results.data,
    )


def run_of(results: Results) -> Run:
    """The facts of the run."""
    params = results.params
    records = [record for records in results.training.values() for record in records]
    return Run(
        dataset=params.data.dataset,
        preset=params.preset,
        changes=[Change(key, *values) for key, values in results.preset_changes.items()],
        seeds=params.seeds,
        samples=params.samples.count,
        ambiguous_below=params.labels.ambiguous_below,
        arithmetic=list(dict.fromkeys(f"{record['device']}, {record['precision']}" for record in records)),
    )


def finding(models: Sequence[ModelView], real: Scored, key: str) -> Finding:
    """All models' numbers where a sentence can hold them, else the extremes."""
    scored = [(model, cell) for model in models if (cell := model.cells[key]) is not None]
    if len(scored) > FEW:
        ranked = sorted(scored, key=lambda each: each[1].mean)
        return Finding([ranked[0], ranked[-1]], len(scored), real.cells[key])
    return Finding(scored, len(scored), real.cells[key])


def confusions(results: Results, most: int = 6) -> list[Confusion]:
    """The most frequent mistakes of the classifier."""
    names = results.classifier["class_names"]
    mistakes = results.confusion.query("true != predicted and count > 0")
    ordered = mistakes.sort_values(["count", "true", "predicted"], ascending=[False, True, True]).head(most)
    rows = ordered[["true", "predicted", "count"]].to_numpy().tolist()
    return [Confusion(names[true], names[predicted], count) for true, predicted, count in rows]
