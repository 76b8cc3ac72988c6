"""Describe how training went: alarms, and the experiment with a fresh discriminator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis import alarms, vanishing
from pipeline.analysis.vanishing import orders_lost


@dataclass(frozen=True)
class Rule:
    """Hold a rule that detects a failing training run, as its docstring states it."""

    kind: str
    text: str


@dataclass(frozen=True)
class Raised:
    """Hold one alarm of one seed."""

    seed: int
    kind: str
    first: int
    last: int
    lasting: bool  # whether it lasts to the end of the training run
    evidence: str


@dataclass(frozen=True)
class Kind:
    """Count the alarms of one kind."""

    name: str
    seeds: int  # number of seeds with this alarm
    lasting: int  # number of seeds in which it lasts to the end
    times: int
    first: int
    last: int


@dataclass(frozen=True)
class Beaten:
    """Describe a generator against fresh discriminators: by how many powers of ten its gradient fell, for each seed."""

    steps: int
    saturating: Sequence[float]
    nonsaturating: Sequence[float]
    won: int  # experiments that the discriminator won; only these count, or all if it won none
    experiments: int


@dataclass(frozen=True)
class Health:
    """Hold the alarms of a model's training runs, and the experiment of Arjovsky and Bottou if it is adversarial."""

    seeds: int
    alarms: Sequence[Raised]
    beaten: Beaten | None

    @property
    def kinds(self) -> list[Kind]:
        """Return the kinds of alarms that were raised."""
        return grouped(self.alarms)

    def of_seed(self, seed: int) -> list[Kind]:
        """Return the kinds of alarms that one seed raised."""
        return grouped([alarm for alarm in self.alarms if alarm.seed == seed])


RULES = [Rule(rule.__name__.replace("_", " "), " ".join((rule.__doc__ or "").split())) for rule in alarms.RULES]
SHOWN = ["kind", "first", "last", "lasting", "evidence"]


def health(raised: Mapping[int, pd.DataFrame], experiments: Sequence[pd.DataFrame]) -> Health:
    """Combine the alarms of each seed with the experiments, if there are any."""
    found = [Raised(seed, *row) for seed, table in raised.items() for row in table[SHOWN].itertuples(index=False)]
    return Health(len(raised), found, beaten(experiments) if experiments else None)


def grouped(alarms: Sequence[Raised]) -> list[Kind]:
    """Count alarms by kind, in the order in which the kinds first appear."""
    kinds: dict[str, list[Raised]] = {}
    for alarm in alarms:
        kinds.setdefault(alarm.kind, []).append(alarm)
    return [
        Kind(
            name=name,
            seeds=len({alarm.seed for alarm in same}),
            lasting=len({alarm.seed for alarm in same if alarm.lasting}),
            times=len(same),
            first=min(alarm.first for alarm in same),
            last=max(alarm.last for alarm in same),
        )
        for name, same in kinds.items()
    ]


def beaten(experiments: Sequence[pd.DataFrame]) -> Beaten:
    """Return by how much the gradients fell; as in the claim, only experiments that the discriminator won count."""
    won = [table for table in experiments if vanishing.won(table)]
    fell = {
        column: [orders_lost(table[column]) for table in won or experiments]
        for column in ("saturating", "nonsaturating")
    }
    return Beaten(int(experiments[0]["step"].iloc[-1]), **fell, won=len(won), experiments=len(experiments))
