"""How the trainings of a model went: its alarms, and what a better discriminator leaves of its gradient."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline import alarms

SMALLEST = float(np.finfo(np.float32).tiny)  # for a norm that is zero


@dataclass(frozen=True)
class Rule:
    """A sign of a dying training, in the words of its code."""

    kind: str
    text: str


@dataclass(frozen=True)
class Raised:
    """One alarm of one seed."""

    seed: int
    kind: str
    first: int
    last: int
    lasting: bool  # to the end of the training
    evidence: str


@dataclass(frozen=True)
class Kind:
    """All alarms of one kind."""

    name: str
    seeds: int  # that have it
    lasting: int  # seeds that have it to the end
    times: int
    first: int
    last: int


@dataclass(frozen=True)
class Beaten:
    """A generator against fresh discriminators: by how many powers of ten its gradient fell, seed by seed."""

    steps: int
    saturating: Sequence[float]
    nonsaturating: Sequence[float]
    won: bool  # whether every discriminator did: it takes fewer than one fake in a hundred for real


@dataclass(frozen=True)
class Health:
    """The alarms of a model's trainings; of an adversarial one also the experiment of Arjovsky and Bottou."""

    seeds: int
    alarms: Sequence[Raised]
    beaten: Beaten | None

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of its alarms."""
        return grouped(self.alarms)

    def of_seed(self, seed: int) -> list[Kind]:
        """The kinds of one seed's alarms."""
        return grouped([alarm for alarm in self.alarms if alarm.seed == seed])


RULES = [Rule(rule.__name__.replace("_", " "), " ".join((rule.__doc__ or "").split())) for rule in alarms.RULES]
SHOWN = ["kind", "first", "last", "lasting", "evidence"]


def health(raised: Mapping[int, pd.DataFrame], experiments: Sequence[pd.DataFrame]) -> Health:
    """From the alarms by seed, and the experiments if there are any."""
    found = [Raised(seed, *row) for seed, table in raised.items() for row in table[SHOWN].itertuples(index=False)]
    return Health(len(raised), found, beaten(experiments) if experiments else None)


def grouped(alarms: Sequence[Raised]) -> list[Kind]:
    """The kinds in the order of the alarms."""
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
    fell = {column: [powers(table[column]) for table in experiments] for column in ("saturating", "nonsaturating")}
    won = all(table["D_fake"].iloc[-1] < 0.01 for table in experiments)
    return Beaten(int(experiments[0]["step"].iloc[-1]), **fell, won=won)


def powers(norms: pd.Series) -> float:
    """By how many powers of ten the last is below the first."""
    first, last = (max(float(norm), SMALLEST) for norm in (norms.iloc[0], norms.iloc[-1]))
    return math.log10(first / last)
