"""What is measured, in words: the questions, the spaces, the baselines, and the numbers that are no scores."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.core.names import TEST
from pipeline.evaluation import baselines
from pipeline.metrics.base import Metric, Question
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.formatting import Unit, number


@dataclass(frozen=True)
class Plain:
    """A number of a training or of its images that asks no question of them: its name, meaning and limits."""

    name: str
    title: str
    unit: Unit
    meaning: str
    caution: str


PLAIN = (
    Plain(
        "parameters",
        "Parameters",
        "",
        "Trainable numbers in all networks of the model, those that only training needs included.",
        "Only part of them draws images: a GAN's generator, a VAE's decoder.",
    ),
    Plain(
        "seconds",
        "Training time",
        "s",
        "Wall-clock time of one training.",
        "It depends on the machine, on what else ran there, and on the epochs, which differ by model.",
    ),
    Plain(
        "images_seen",
        "Images seen",
        "",
        "Training images shown to the model, each as often as it was shown.",
        "One image is several updates of a model with several networks.",
    ),
    Plain(
        "confidence",
        "Mean confidence",
        "%",
        "The classifier's calibrated probability of the label it chose, averaged over the images.",
        "It is calibrated on real images only; on images unlike them it may be sure for no reason.",
    ),
    Plain(
        "test_loss",
        "Test loss",
        "nats",
        "The sum of the loss terms on the test images, a mean per image.",
        "Only models with the same terms can be compared by it.",
    ),
)


@dataclass(frozen=True)
class Asked:
    """A question: its name, and what an answer means."""

    title: str
    text: str


QUESTIONS: Mapping[Question, Asked] = {
    "fidelity": Asked("Do they look real?", "Whether what a model draws could be real images."),
    "coverage": Asked(
        "Is all of the data there?", "Whether everything that occurs in real images is drawn, and varies."
    ),
    "labels": Asked("Does the classifier see the same?", "Whether its answers are those that it gives on real images."),
    "novelty": Asked("Are they new?", "Whether images are drawn or copied from the training set."),
    "sharpness": Asked(
        "Are they as sharp?", "Whether edges and fine detail are those of real images: no less, no more."
    ),
}

SPACES = {  # as tables name them, to readers
    "": "labels",
    "pixels": "pixels",
    "classifier": "classifier",
    "random": "random networks",
}
HOME = {"features": "classifier", "pixels": "pixels", "labels": ""}  # the space that a lone number is taken from
WHERE = {
    "features": "features of the classifier and of untrained networks",
    "pixels": "pixels",
    "labels": "labels that the classifier predicts",
}
DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "closer to real": "best where real images are",
}

BASELINES = {TEST: "real test images"} | {
    name: baseline.title for name, baseline in baselines.BASELINES.items() if not name.startswith("corrupted_")
}


def direction(metric: Metric) -> str:
    """Which values are better, in words."""
    return DIRECTIONS[metric.better] if isinstance(metric.better, str) else f"best at {number(metric.better)}"


def home(name: str) -> str:
    """The space of a metric where one number has to stand for it; that of plain numbers is empty."""
    return HOME[CATALOGUE[name].space] if name in CATALOGUE else ""
