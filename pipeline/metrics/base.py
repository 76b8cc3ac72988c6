"""Define what a metric declares about itself. The verdicts, the methods page and the sensitivity check read it."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from pipeline.core.names import BLURRED, COPIES, CORRUPTED

Question = Literal["fidelity", "coverage", "sharpness", "likelihood", "novelty", "labels"]
Space = Literal["features", "pixels", "labels"]
Better = Literal["lower", "higher", "closer to real"]
Role = Literal["primary", "supporting", "test", "description"]
Scale = Literal["linear", "log", "p value", "nats"]

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
CONCERNS: dict[Question, tuple[str, ...]] = {
    "fidelity": (*BLURS, "noise", "threshold", "shift", "mean_of_two", "part_noise"),
    "coverage": ("missing_class", "half_one_class", *REPEATS),
    "sharpness": (*BLURS, "noise", "threshold", "mean_of_two", "part_noise"),
    "likelihood": ("blur", "pca_50", "pca_20", "noise", "threshold", "shift", *REPEATS, "mean_of_two"),
}
"""The questions that have a winner, and the corruptions that each is about."""

TINY = 1e-9  # the smallest value that has a logarithm here


@dataclass(frozen=True)
class Metric:
    """Declare one score of the comparison, beside the function that computes it.

    `sees`, `blind` and `prefers` name corruptions. On those that it sees, the metric is clearly worse than between real
    images; on those that it is blind to, it is not. Both hold on MNIST with 5000 and with 10 000 samples, and in the
    features of the classifier and of two random networks. On those that it prefers, it is better than between real
    images in at least one of these spaces. For a corruption in no tuple, the result depends on the space or on the
    number of samples, or is borderline.

    The role says what the metric may decide. The primary scores of a question give its verdict. Supporting scores rank
    models one by one, but never change a verdict. Tests are passed or failed. Descriptions decide nothing.
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
    prefers: tuple[str, ...] = ()
    role: Role = "supporting"
    scale: Scale = "linear"  # on which scores are compared; those in nats are compared image by image
    needs_training: bool = False  # whether it needs a network trained for it, or requested labels

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a metric's name must be an identifier, found {self.name!r}")
        kinds = {"question": Question, "space": Space, "role": Role, "scale": Scale}
        for field, allowed in ((field, get_args(kind)) for field, kind in kinds.items()):
            if getattr(self, field) not in allowed:
                raise ValueError(f"{self.name}: {field} must be one of {allowed}, found {getattr(self, field)!r}")
        if not isinstance(self.better, int | float) and self.better not in get_args(Better):
            raise ValueError(
                f"{self.name}: better must be one of {get_args(Better)} or a number, found {self.better!r}"
            )
        declared = [*self.sees, *self.blind, *self.prefers]
        if unknown := sorted({*declared} - CORRUPTIONS.keys()):
            raise ValueError(f"{self.name}: unknown corruptions: {', '.join(unknown)}")
        if twice := sorted({corruption for corruption in declared if declared.count(corruption) > 1}):
            raise ValueError(f"{self.name}: declared twice: {', '.join(twice)}")
        if self.role == "primary" and (self.prefers or self.question not in CONCERNS):
            raise ValueError(
                f"{self.name}: a primary score must prefer no corruption to real images, and its question must be one "
                f"of {', '.join(CONCERNS)}; found question {self.question!r}, prefers {self.prefers}"
            )

    @property
    def ranks(self) -> bool:
        """Return whether the metric may rank models."""
        return self.role in ("primary", "supporting")

    def loss(self, values: Any, real: float) -> Any:
        """Return how bad scores are, on the scale of the metric; lower is better.

        Args:
            values: scores.
            real: the score of real images, which counts only if the metric is better the closer it is to real.
        """
        scaled = self.scaled(values)
        if self.better == "lower":
            return scaled
        if self.better == "higher":
            return -scaled
        return np.abs(scaled - self.scaled(real if isinstance(self.better, str) else self.better))

    def scaled(self, values: Any) -> Any:
        """Return scores on the scale of comparison: their logarithms, or p values only as far as they are unusual."""
        if self.scale == "log":
            return np.log(np.maximum(np.asarray(values, float), TINY))
        return np.minimum(values, 0.05) if self.scale == "p value" else np.asarray(values, float)
