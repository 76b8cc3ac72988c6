"""Choose what the page on latent spaces shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report.inputs import Results
from pipeline.report.pages.paper import Claim, claims_of

ABOUT = "meaningful"  # the name of the paper's claim about latent spaces
AXES = {1: ("z =",), 2: ("z₁ =", "z₂ =")}  # the name of each coordinate, by the number of dimensions
DIRECTIONS = ("along the first principal direction", "along the second")  # with more dimensions


@dataclass(frozen=True)
class Space:
    """Describe the pictures of one latent space."""

    name: str  # the model
    dimensions: int
    quantiles: Sequence[float]  # the coordinates of the map's columns, and of its rows from the bottom up
    axes: Sequence[str]
    pairs: Sequence[tuple[str, str]]  # classes of the images at both ends of each interpolation


@dataclass(frozen=True)
class LatentPage:
    """Hold the latent spaces, and what the paper claims about them."""

    spaces: Sequence[Space]
    claims: Sequence[Claim]
    chance: float  # probability that two images have the same class, if all classes are equally frequent


def latent_page(results: Results) -> LatentPage:
    """Choose what is shown of each autoencoder."""
    names, spaces = results.classifier["class_names"], []
    for model, about in results.latents.items():
        dimensions = about["dimensions"]
        pairs = [(names[start], names[end]) for start, end in about["pairs"]]
        spaces.append(Space(model, dimensions, about["quantiles"], AXES.get(dimensions, DIRECTIONS), pairs))
    claims = [claim for claim in claims_of(results.claims) if claim.name == ABOUT]
    return LatentPage(spaces, claims, 1 / len(names))
