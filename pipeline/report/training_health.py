"""How the trainings of a model went: its alarms, and what a better discriminator leaves of its gradient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis import alarms, vanishing
from pipeline.analysis.vanishing import orders_lost


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
    won: int  # experiments in which the discriminator won; the numbers are of these, or of all if it won in none
    experiments: int


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
    """Return how far the gradients fell, by the rule of the claim: where the discriminator won."""
    won = [table for table in experiments if vanishing.won(table)]
    fell = {
        column: [orders_lost(table[column]) for table in won or experiments]
        for column in ("saturating", "nonsaturating")
    }
    return Beaten(int(experiments[0]["step"].iloc[-1]), **fell, won=len(won), experiments=len(experiments))
