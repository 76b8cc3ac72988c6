"""What a finished run hands to the report: already read, not yet chosen from or worded."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.params import Params
from pipeline.records import History

REAL = "test_images"  # the real test images, scored as if a model had drawn them

OF_IMAGES = (  # of every model, and of the real images
    "samples.png",
    "labels.svg",
    "ambiguous.svg",
    "classes.svg",
    "gallery.png",
    "nearest.svg",
    "bins.svg",
)
OF_CAPABILITY = {  # of models whose class is declared to have it
    "TrainedModel": ("networks.svg", "losses.svg", "health.svg", "snapshots.svg", "film.png"),
    "Conditional": ("asked.svg",),
    "Adversarial": ("perfect_discriminator.svg",),
    "ObservationModel": ("draws.png",),
    "Autoencoder": ("manifold.png", "codes.svg", "interpolations.png"),
}
OF_ALL = (
    "comparison/sharpness.svg",
    "comparison/confidence.svg",
    "comparison/prd.svg",
    "comparison/extrapolation.svg",
    "comparison/spectrum.svg",
    "train_copies/nearest.svg",
    "classifier/confusion.svg",
    "classifier/reliability.svg",
)
LADDER = "comparison/ladder.svg"  # only where the run has a ladder
RULES = "comparison/rules.svg"  # drawn with the site, where it is known which jobs made the results


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
class Provenance:
    """Where and from what this site was made."""

    commit: str
    settings: str  # digest of the resolved parameters
    versions: Mapping[str, str]
    platform: str
    date: str
    rules: Mapping[str, str] = field(default_factory=dict)  # of the Snakefile, in its order: what each does
    history: History = field(default_factory=History)


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
    ladder: pd.DataFrame | None
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


def data_behind(figure: str) -> str | None:
    """The table that a figure (by its path below figures/) was drawn from, from the site's root."""
    owner, _, name = figure.partition("/")
    return {
        "losses.svg": f"data/curves/{owner}.csv",
        "health.svg": f"data/checks/{owner}.csv",
        "perfect_discriminator.svg": f"data/perfect_discriminator/{owner}.csv",
        "labels.svg": f"data/labels/{owner}.csv",
        "ambiguous.svg": f"data/labels/{owner}.csv",
        "gallery.png": f"data/gallery/{owner}.csv",
        "film.png": f"data/film/{owner}.csv",
        "manifold.png": f"data/latent/{owner}.json",
        "interpolations.png": f"data/latent/{owner}.json",
        "asked.svg": f"data/asked/{owner}.csv",
        "networks.svg": f"data/networks/{owner}.json",
        "classes.svg": "data/metrics.csv",
        "nearest.svg": f"data/nearest/{owner}.csv",
        "bins.svg": f"data/bins/{owner}.csv",
        "prd.svg": "data/prd.csv",
        "extrapolation.svg": "data/extrapolation.csv",
        "spectrum.svg": "data/spectrum.csv",
        "sharpness.svg": "data/metrics.csv",
        "confidence.svg": "data/metrics.csv",
        "ladder.svg": "data/ladder.csv",
        "rules.svg": "data/rules.csv",
        "confusion.svg": "data/classifier/confusion.csv",
        "reliability.svg": "data/classifier/reliability.csv",
    }.get(name)
