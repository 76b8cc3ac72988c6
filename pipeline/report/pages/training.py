"""Choose what the page on training shows: a film of each training run, its alarms and its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.report.inputs import Results
from pipeline.report.training_health import RULES, Rule


@dataclass(frozen=True)
class Film:
    """Describe a film: samples of the same noise at several steps, one frame below the other on a sheet."""

    steps: Sequence[int]
    epochs: Sequence[float]
    tops: Sequence[int]  # pixels above each frame
    height: int  # pixels of a frame
    of_steps: int  # number of steps of the whole training run
    of_epochs: int


@dataclass(frozen=True)
class TrainingPage:
    """Hold what the page shows beside the models themselves."""

    films: Mapping[str, Film]  # for each model that is trained by gradient descent
    rules: Sequence[Rule]


def training_page(results: Results) -> TrainingPage:
    """Choose what is shown; the films are of the first seed."""
    return TrainingPage({name: film(results, name) for name in results.films}, RULES)


def film(results: Results, name: str) -> Film:
    """Return the film of one model's first training run."""
    table, record = results.films[name], results.training[name][0]
    return Film(
        steps=table["step"].tolist(),
        epochs=table["epoch"].tolist(),
        tops=table["top"].tolist(),
        height=int(table["height"].iloc[0]),
        of_steps=record["steps"],
        of_epochs=record["epochs"],
    )
