"""Choose what the first page shows: what was run, the outcome, and the samples of the models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.inputs import Results
from pipeline.report.pages.model import ModelView, Source
from pipeline.report.score_tables import Cell, Table, headlines
from pipeline.report.wording import PLAIN, Plain

FEW = 3  # models that a sentence can list; if there are more, it names the extremes


@dataclass(frozen=True)
class Change:
    """Hold a setting that the preset changes."""

    key: str
    paper: Any
    here: Any


@dataclass(frozen=True)
class Run:
    """Hold the facts about the run."""

    dataset: str
    preset: str
    changes: Sequence[Change]
    seeds: Sequence[int]
    samples: int
    draws: int
    ambiguous_below: float
    arithmetic: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """Hold one metric of the models: all values if there are few, or the lowest and the highest."""

    named: Sequence[tuple[Source, Cell]]
    models: int
    real: Cell | None


@dataclass(frozen=True)
class Overview:
    """Hold the comparison in short."""

    headlines: Table
    plain: Sequence[Plain]
    sharpness: Finding
    ambiguous: Finding


def run_of(results: Results) -> Run:
    """Return the facts about the run."""
    params = results.params
    records = [record for records in results.training.values() for record in records]
    return Run(
        dataset=params.data.dataset,
        preset=params.preset,
        changes=[Change(key, *values) for key, values in results.preset_changes.items()],
        seeds=params.seeds,
        samples=params.samples.count,
        draws=params.samples.draws,
        ambiguous_below=params.labels.ambiguous_below,
        arithmetic=list(dict.fromkeys(f"{record['device']}, {record['precision']}" for record in records)),
    )


def index_page(results: Results, models: Sequence[ModelView], real: Source) -> Overview:
    """Choose what the first page shows."""
    return Overview(
        headlines=headlines(results.scores, results.ranks, list(results.params.models)),
        plain=[plain for plain in PLAIN if sum(plain.name in each.cells for each in (real, *models)) > 1],
        sharpness=finding(models, real, "sharpness_ratio"),
        ambiguous=finding(models, real, "ambiguous"),
    )


def finding(models: Sequence[ModelView], real: Source, key: str) -> Finding:
    """Return the values of all models if a sentence can hold them, else the extremes."""
    scored = [(model, cell) for model in models if (cell := model.cells.get(key)) is not None]
    if len(scored) > FEW:
        ranked = sorted(scored, key=lambda each: each[1].value)
        return Finding([ranked[0], ranked[-1]], len(scored), real.cells.get(key))
    return Finding(scored, len(scored), real.cells.get(key))
