"""Hold everything that a finished run passes to the pages of the report."""

import functools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.core.params import Params
from pipeline.report.score_tables import Measured, Summary
from pipeline.workflow.provenance import Provenance

RULES = "comparison/rules.svg"  # plotted with the site, when it is known which jobs made the results
RULES_TABLE = "data/rules.csv"


@dataclass(frozen=True)
class Figure:
    """Describe one picture of the site: its path from the site's root, its size in CSS pixels, the table behind it."""

    path: str
    width: int
    height: int
    data: str | None = None

    @property
    def format(self) -> str:
        """Return the format of the file in capitals: SVG or PNG."""
        return self.path.rpartition(".")[2].upper()


@dataclass(frozen=True)
class Family:
    """Describe a family: the paragraph in its file, its source code, and the capabilities of its class."""

    paragraph: str
    code: str
    capabilities: Set[str]


@dataclass(frozen=True)
class Results:
    """Hold everything that the pages show."""

    params: Params
    preset_changes: Mapping[str, tuple[Any, Any]]  # dotted key -> the paper's value, the value of this run
    metrics: pd.DataFrame
    summary: pd.DataFrame
    gates: pd.DataFrame
    verdicts: pd.DataFrame
    ranks: pd.DataFrame
    claims: pd.DataFrame
    sensitivity: pd.DataFrame | None
    stability: pd.DataFrame  # how often another seed or machine gives the same verdict
    error_rates: pd.DataFrame  # how often the rule is right, in simulations
    networks: Mapping[str, Mapping[str, Any]]
    training: Mapping[str, Sequence[Mapping[str, Any]]]  # one record for each seed
    alarms: Mapping[str, Mapping[int, pd.DataFrame]]  # by model and seed, for models that are trained
    experiments: Mapping[str, Sequence[pd.DataFrame]]  # one for each seed, for models with a discriminator
    classifier: Mapping[str, Any]
    confusion: pd.DataFrame
    galleries: Mapping[str, pd.DataFrame]  # tiles of each model and of the real images, in display order
    films: Mapping[str, pd.DataFrame]  # frames of each model that is trained, in the order of training
    likelihoods: Mapping[str, Sequence[Mapping[str, Any]]]  # one summary for each seed, for models that have one
    completions: Mapping[str, Sequence[pd.DataFrame]]  # the scores of each seed, for models that complete images
    exhibits: Mapping[str, Mapping[str, Mapping[str, str]]]  # by model and kind: the title and caption of a picture
    latents: Mapping[str, Mapping[str, Any]]  # for each autoencoder: what its pictures of the latent space show
    figures: Mapping[str, Figure]  # by path below figures/
    families: Mapping[str, Family]
    data: Sequence[str]  # paths of the tables, from the site's root
    provenance: Provenance

    @functools.cached_property
    def scores(self) -> Summary:
        """Return the summary of all scores, which is looked up by source, metric and space."""
        return Summary(self.summary)

    @functools.cached_property
    def measured(self) -> Measured:
        """Return what the summary leaves out: the scores of single seeds and classes."""
        return Measured(self.metrics)
