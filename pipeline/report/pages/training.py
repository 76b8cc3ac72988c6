"""How the models were trained: a film of each training, its alarms, its time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.report.inputs import Results
from pipeline.report.training_health import RULES, Rule


@dataclass(frozen=True)
class Film:
    """What the same noises became, moment by moment; on its sheet one moment stands below the other."""

    steps: Sequence[int]
    epochs: Sequence[float]
    tops: Sequence[int]  # pixels above each moment
    height: int  # pixels of a moment
    of_steps: int  # in the whole training
    of_epochs: int


@dataclass(frozen=True)
class TrainingPage:
    """What the page shows beside the models themselves."""

    films: Mapping[str, Film]  # of each model that is trained step by step
    rules: Sequence[Rule]


def training_page(results: Results) -> TrainingPage:
    """Choose what is shown: the films are of the first seed."""
    return TrainingPage({name: film(results, name) for name in results.films}, RULES)


def film(results: Results, name: str) -> Film:
    """The moments of one model's film, within its first training."""
    table, record = results.films[name], results.training[name][0]
    return Film(
        steps=table["step"].tolist(),
        epochs=table["epoch"].tolist(),
        tops=table["top"].tolist(),
        height=int(table["height"].iloc[0]),
        of_steps=record["steps"],
        of_epochs=record["epochs"],
    )
