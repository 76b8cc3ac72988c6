"""Put into words what is measured: the questions, the spaces, the baselines, and the numbers that are not scores."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.metrics.base import Metric, Question, Role
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.formatting import Unit, number


@dataclass(frozen=True)
class Plain:
    """Describe a number that answers no question about the images: its name, meaning and limits."""

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
        "Number of trainable parameters in all networks of the model, including those that only training needs.",
        "Only some of them generate images: a GAN's generator, a VAE's decoder.",
    ),
    Plain(
        "seconds",
        "Training time",
        "s",
        "Wall-clock time of one training run.",
        "It depends on the machine, on its load, and on the number of epochs, which differs between models.",
    ),
    Plain(
        "images_seen",
        "Images seen",
        "",
        "Number of training images shown to the model, counted each time that one is shown.",
        "If a model has several networks, one image contributes to several updates.",
    ),
    Plain(
        "confidence",
        "Mean confidence",
        "%",
        "The classifier's calibrated probability of the label it chose, averaged over the images.",
        "It is calibrated on real images only. On images unlike them, the classifier may be sure for no reason.",
    ),
    Plain(
        "test_loss",
        "Test loss",
        "nats",
        "Sum of the model's loss terms on the test images, averaged over images.",
        "It only compares models with the same loss terms.",
    ),
)


@dataclass(frozen=True)
class Asked:
    """Hold a question: its title, and what an answer means."""

    title: str
    text: str
    goal: str = ""  # what the better model is better at, if the question has a winner


QUESTIONS: Mapping[Question, Asked] = {
    "fidelity": Asked(
        "Do they look real?", "Fidelity measures whether samples could be real images.", "drawing images that look real"
    ),
    "coverage": Asked(
        "Is all of the data there?",
        "Coverage measures whether samples include everything that occurs in real images, with its variation.",
        "covering all of the data",
    ),
    "sharpness": Asked(
        "Are they as sharp?",
        "Sharpness measures whether edges and fine detail match those of real images: no less, no more.",
        "matching the sharpness of real images",
    ),
    "likelihood": Asked(
        "How probable are real images under it?",
        "Likelihood measures how much probability a model gives to real images that it has not seen.",
        "giving real images probability",
    ),
    "novelty": Asked(
        "Are they new?",
        "A test for copies of training images. A model passes or fails; no model is newer than another.",
    ),
    "labels": Asked(
        "What does the classifier say?",
        "These numbers describe the classifier's predictions for samples, beside those for real images. A classifier "
        "can be sure of an image that is no digit, so no model wins this question.",
    ),
}

SPACES = {  # name in tables -> name on pages
    "": "labels",
    "pixels": "pixels",
    "classifier": "classifier",
    "random": "random networks",
}
HOME = {"features": "classifier", "pixels": "pixels", "labels": ""}  # the space of a metric's single number
WHERE = {
    "features": "features of the classifier and of untrained networks",
    "pixels": "pixels",
    "labels": "labels that the classifier predicts",
}
DIRECTIONS = {
    "lower": "lower is better",
    "higher": "higher is better",
    "closer to real": "closest to real images is best",
}


ROLES: Mapping[Role, str] = {
    "primary": "a primary score, which decides its question",
    "supporting": "a supporting score, which ranks models but decides no question",
    "test": "a test that models pass or fail",
    "description": "a description by which no models are ranked",
}


def direction(metric: Metric) -> str:
    """Say which values of a metric are better."""
    return DIRECTIONS[metric.better] if isinstance(metric.better, str) else f"best at {number(metric.better)}"


def home(name: str) -> str:
    """Return the space that represents a metric by a single number; it is empty for plain numbers."""
    return HOME[CATALOGUE[name].space] if name in CATALOGUE else ""
