"""The latent spaces of the models that have codes."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.inputs import Results
from pipeline.report.pages.paper import Claim, claims_of

ABOUT = "meaningful"  # the name of the paper's claim about it
AXES = {1: ("z =",), 2: ("z₁ =", "z₂ =")}  # what stands before a coordinate, by the number of dimensions
DIRECTIONS = ("along the first principal direction", "along the second")  # where there are more


@dataclass(frozen=True)
class Space:
    """What the pictures of one latent space show."""

    name: str  # of its model
    dimensions: int
    quantiles: Sequence[float]  # where the columns of the map lie, and from the bottom up its rows
    axes: Sequence[str]
    pairs: Sequence[tuple[str, str]]  # classes of the images between which lines are drawn


@dataclass(frozen=True)
class LatentPage:
    """The latent spaces, and what the paper claims of one."""

    spaces: Sequence[Space]
    claims: Sequence[Claim]
    chance: float  # that two images are of the same class, where all classes are equally frequent


def latent_page(results: Results) -> LatentPage:
    """Choose what is shown of each autoencoder."""
    names, spaces = results.classifier["class_names"], []
    for model, about in results.latents.items():
        dimensions = about["dimensions"]
        pairs = [(names[start], names[end]) for start, end in about["pairs"]]
        spaces.append(Space(model, dimensions, about["quantiles"], AXES.get(dimensions, DIRECTIONS), pairs))
    claims = [claim for claim in claims_of(results.claims) if claim.name == ABOUT]
    return LatentPage(spaces, claims, 1 / len(names))
