"""What a metric says of itself: the report's page of methods and the sensitivity check read it."""

from dataclasses import dataclass
from typing import Literal, get_args

from pipeline.core.names import BLURRED, COPIES, CORRUPTED

Question = Literal["fidelity", "coverage", "labels", "novelty", "sharpness"]
Space = Literal["features", "pixels", "labels"]
Better = Literal["lower", "higher", "closer to real"]

CORRUPTIONS = {
    "copies": "images of the training set themselves",
    "blur_slight": "a Gaussian blur of half a pixel",
    "blur": "a Gaussian blur of one pixel",
    "pca_50": "what 50 principal components keep of an image",
    "pca_20": "what 20 principal components keep of an image",
    "noise": "Gaussian noise of a tenth of the range on each pixel",
    "threshold": "each pixel black or white",
    "shift": "a shift of two pixels",
    "missing_class": "one class left out",
    "half_one_class": "half of all images from one class",
    "distinct_100": "100 images, repeated",
    "distinct_1000": "1000 images, repeated",
    "mean_of_two": "the mean of two random images",
    "part_noise": "pure noise in place of a tenth of the images",
}
"""What is done to real images so that a metric has something known to see."""

BASELINE_OF = {"copies": COPIES, "blur": BLURRED} | {
    corruption: f"{CORRUPTED}{corruption}" for corruption in CORRUPTIONS if corruption not in ("copies", "blur")
}
"""The baseline that shows each corruption."""

BLURS = ("blur_slight", "blur", "pca_50", "pca_20")
REPEATS = ("distinct_100", "distinct_1000")


@dataclass(frozen=True)
class Metric:
    """One number of the comparison, declared beside the function that computes it.

    `sees` and `blind` name corruptions: on those that it sees, the metric gets clearly worse than between real images;
    on those that it is blind to, it does not. Both hold on MNIST with 5000 and with 10 000 samples, in features of the
    classifier and of two random networks. A corruption in neither depends on the space or on the number of samples, or
    is on the edge.
    """

    name: str  # in tables
    title: str
    question: Question
    space: Space
    better: Better | float  # a number is the value of a perfect model, and both sides of it are worse
    formula: str  # LaTeX
    source: str
    sees: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    ranks: bool = True  # whether models may be ranked by it
    needs_training: bool = False  # whether a network is trained for it, or labels were requested for it

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a metric's name must be an identifier, found {self.name!r}")
        for field, allowed in (("question", get_args(Question)), ("space", get_args(Space))):
            if getattr(self, field) not in allowed:
                raise ValueError(f"{self.name}: {field} must be one of {allowed}, found {getattr(self, field)!r}")
        if not isinstance(self.better, int | float) and self.better not in get_args(Better):
            raise ValueError(
                f"{self.name}: better must be one of {get_args(Better)} or a number, found {self.better!r}"
            )
        if unknown := sorted({*self.sees, *self.blind} - CORRUPTIONS.keys()):
            raise ValueError(f"{self.name}: unknown corruptions: {', '.join(unknown)}")
        if both := sorted({*self.sees} & {*self.blind}):
            raise ValueError(f"{self.name}: both seen and unseen: {', '.join(both)}")
