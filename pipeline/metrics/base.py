"""Define what a metric declares about itself. The methods page and the sensitivity check read it."""

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
"""The corruptions of the sensitivity check: known damage to real images, by name."""

BASELINE_OF = {"copies": COPIES, "blur": BLURRED} | {
    corruption: f"{CORRUPTED}{corruption}" for corruption in CORRUPTIONS if corruption not in ("copies", "blur")
}
"""The baseline whose images have each corruption."""

BLURS = ("blur_slight", "blur", "pca_50", "pca_20")
REPEATS = ("distinct_100", "distinct_1000")


@dataclass(frozen=True)
class Metric:
    """Declare one score of the comparison, beside the function that computes it.

    `sees` and `blind` name corruptions. On those that it sees, the metric is clearly worse than between real images; on
    those that it is blind to, it is not. Both hold on MNIST with 5000 and with 10 000 samples, and in the features of
    the classifier and of two random networks. For a corruption in neither tuple, the result depends on the space or on
    the number of samples, or is borderline.
    """

    name: str  # in tables
    title: str
    question: Question
    space: Space
    better: Better | float  # a number is the score of a perfect model; above and below it are worse
    formula: str  # LaTeX
    source: str
    sees: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    ranks: bool = True  # whether it may rank models
    needs_training: bool = False  # whether it needs a network trained for it, or requested labels

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
