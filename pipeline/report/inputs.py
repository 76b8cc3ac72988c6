"""Everything that a finished run hands to the pages of the report."""

import functools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.core.params import Params
from pipeline.report.score_tables import Measured, Summary
from pipeline.workflow.provenance import Provenance

RULES = "comparison/rules.svg"  # drawn with the site, where it is known which jobs made the results
RULES_TABLE = "data/rules.csv"


@dataclass(frozen=True)
class Figure:
    """One picture of the site: its path from the site's root, its size in CSS pixels, the data behind it."""

    path: str
    width: int
    height: int
    data: str | None = None

    @property
    def format(self) -> str:
        return self.path.rpartition(".")[2].upper()


@dataclass(frozen=True)
class Family:
    """What the file of a family says: its paragraph, its live code, the capabilities of its class."""

    paragraph: str
    code: str
    capabilities: Set[str]


@dataclass(frozen=True)
class Results:
    """Everything the pages are made of."""

    params: Params
    preset_changes: Mapping[str, tuple[Any, Any]]  # dotted key -> the paper's value, this run's
    metrics: pd.DataFrame
    summary: pd.DataFrame
    verdicts: pd.DataFrame
    ranks: pd.DataFrame
    claims: pd.DataFrame
    sensitivity: pd.DataFrame | None
    networks: Mapping[str, Mapping[str, Any]]
    training: Mapping[str, Sequence[Mapping[str, Any]]]  # one record a seed
    alarms: Mapping[str, Mapping[int, pd.DataFrame]]  # of each seed, for models that are trained
    experiments: Mapping[str, Sequence[pd.DataFrame]]  # one a seed, for models with a discriminator
    classifier: Mapping[str, Any]
    confusion: pd.DataFrame
    galleries: Mapping[str, pd.DataFrame]  # the tiles of each model and of the real images, in their order
    films: Mapping[str, pd.DataFrame]  # the moments of each model that is trained, in their order
    latents: Mapping[str, Mapping[str, Any]]  # of each autoencoder: what its pictures of the latent space show
    figures: Mapping[str, Figure]  # by their path below figures/
    families: Mapping[str, Family]
    data: Sequence[str]  # paths of the tables, from the site's root
    provenance: Provenance

    @functools.cached_property
    def scores(self) -> Summary:
        """The summary of all scores, looked up by source, metric and space."""
        return Summary(self.summary)

    @functools.cached_property
    def measured(self) -> Measured:
        """What the summary leaves out: the scores of single seeds and classes."""
        return Measured(self.metrics)
