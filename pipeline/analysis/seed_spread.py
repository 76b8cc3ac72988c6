"""Look up how much a score varies between trainings of a family, for runs with too few seeds to tell by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from pipeline.analysis.losses import Trainings, losses_of
from pipeline.metrics.catalogue import CATALOGUE

COLUMNS = ("family", "metric", "space", "loss", "sd", "seeds")


@dataclass(frozen=True)
class Spread:
    """Hold how the loss of a score varies between trainings of one family that differ in the seed only."""

    loss: float  # the mean, beyond that of real images
    sd: float
    seeds: int

    def at(self, loss: float) -> float:
        """Return the standard deviation at another mean loss; for a larger loss, it is larger in proportion."""
        return self.sd * max(1.0, loss / self.loss) if self.loss > 0 else self.sd


Spreads = Mapping[tuple[str, str, str], Spread]  # by family, metric and space


def read_spreads(table: pd.DataFrame) -> dict[tuple[str, str, str], Spread]:
    """Return the rows of reference/seed_spread.csv by family, metric and space."""
    keys = table[["family", "metric", "space"]].fillna("").itertuples(index=False, name=None)
    values = table[["loss", "sd", "seeds"]].itertuples(index=False, name=None)
    return {key: Spread(*value) for key, value in zip(keys, values, strict=True)}


def measured_spreads(trained: Trainings, families: Mapping[str, str]) -> pd.DataFrame:
    """Return the spread of each score of the catalogue between the seeds of one model of each family.

    Args:
        trained: the draws of each training run.
        families: the family of each model; the first model of a family speaks for it.

    Returns:
        family, metric, space; loss, the mean beyond that of real images; its standard deviation between seeds; seeds.
    """
    speaking: dict[str, str] = {}
    for model, family in families.items():
        speaking.setdefault(family, model)
    rows = []
    for score, draws in trained.items():
        family = families.get(score.model, "")
        if score.metric not in CATALOGUE or score.set != "images" or len(draws) < 2:
            continue
        if speaking.get(family) == score.model and (losses := losses_of(score, trained)) is not None:
            spread = float(losses.std(ddof=1))
            rows.append((family, score.metric, score.space, float(losses.mean()), spread, len(losses)))
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))
