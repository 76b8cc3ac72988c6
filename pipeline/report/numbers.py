"""Numbers: picked from the metrics, summarised over seeds, written with their units."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Unit = Literal["", "%", "s", "x", "distance", "nats"]
THIN = "\u202f"  # a narrow space that does not break


@dataclass(frozen=True)
class Metric:
    """A column of the comparison: how it is called, what it means, how it can mislead."""

    key: str
    heading: str
    unit: Unit
    meaning: str
    caution: str


METRICS = (
    Metric(
        "parameters",
        "Parameters",
        "",
        "Trainable numbers in all networks of the model, those that only training needs included.",
        "Only part of them draws images: a GAN's generator, a VAE's decoder.",
    ),
    Metric(
        "seconds",
        "Training time",
        "s",
        "Wall-clock time of one training.",
        "It depends on the machine, on what else ran there, and on the epochs, which differ by model.",
    ),
    Metric(
        "images_seen",
        "Images seen",
        "",
        "Training images shown to the model, each as often as it was shown.",
        "One image is several updates of a model with several networks.",
    ),
    Metric(
        "label_distance",
        "Label distance",
        "distance",
        "Total variation distance between the shares of the predicted and of the training labels: "
        "0 where they are equal, 1 where they exclude each other.",
        "A model can reach 0 with one picture a class, and images that are no digits get a label too.",
    ),
    Metric(
        "confidence",
        "Mean confidence",
        "%",
        "The classifier's calibrated probability of the label it chose, averaged over the images.",
        "It is calibrated on real images only; on images unlike them it may be sure for no reason.",
    ),
    Metric(
        "ambiguous",
        "Ambiguous share",
        "%",
        "Images on which that confidence is below the threshold of this run.",
        "An image can look wrong to the eye and not to the classifier, and the other way round.",
    ),
    Metric(
        "sharpness_ratio",
        "Sharpness ratio",
        "x",
        "Variance of the Laplacian of an image, averaged, over that of the real test images: "
        "1 is as sharp as a real image, less is blurrier.",
        "Noise counts as sharpness: far above 1 means specks, not crisp strokes.",
    ),
    Metric(
        "test_loss",
        "Test loss",
        "nats",
        "The sum of the loss terms on the test images, a mean per image.",
        "Only models with the same terms can be compared by it.",
    ),
)


@dataclass(frozen=True)
class Cell:
    """One number of a table: a mean over seeds with their range, or one value with its interval."""

    mean: float | int
    low: float | int | None
    high: float | int | None
    spread: Literal["seeds", "interval", ""]


class Scores:
    """metrics.csv, looked up by model, metric, class and set."""

    def __init__(self, metrics: pd.DataFrame) -> None:
        self.rows: dict[tuple, dict[int, dict]] = {}
        for row in metrics.to_dict("records"):
            label = None if pd.isna(row["label"]) or row["label"] == "" else int(float(row["label"]))
            drawn = "images" if pd.isna(row["set"]) or row["set"] == "" else row["set"]
            self.rows.setdefault((row["model"], row["metric"], label, drawn), {})[int(row["seed"])] = row

    def by_seed(self, model: str, metric: str, drawn: str = "images") -> dict[int, float]:
        """The value of each seed."""
        return {seed: row["value"] for seed, row in self.rows.get((model, metric, None, drawn), {}).items()}

    def cell(self, model: str, metric: str, label: int | None = None) -> Cell | None:
        """The mean over seeds, with their range; of a single seed its own interval, if it has one."""
        rows = list(self.rows.get((model, metric, label, "images"), {}).values())
        if not rows:
            return None
        values = [row["value"] for row in rows]
        mean = sum(values) / len(values)
        if len(values) > 1:
            return Cell(mean, min(values), max(values), "seeds" if min(values) < max(values) else "")
        if pd.isna(rows[0]["lower"]):
            return Cell(mean, None, None, "")
        return Cell(mean, rows[0]["lower"], rows[0]["upper"], "interval")


def number(value: float | int | None, unit: Unit = "") -> str:
    """The one way a number is written in the report."""
    if value is None or pd.isna(value):
        return "\N{EN DASH}"
    match unit:
        case "%":
            return percent(value)
        case "s":
            return duration(value)
        case "x":
            return f"{value:.2f}" if value < 10 else f"{value:.0f}"
        case "distance":
            return f"{value:.3f}"
        case "nats":
            return f"{value:.2f}{THIN}nats" if abs(value) < 10 else f"{value:.1f}{THIN}nats"
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.3g}"


def percent(share: float | int) -> str:
    """A share in per cent: with more decimals where fewer would round it to none or all."""
    for decimals in (1, 2, 3):
        text = f"{100 * share:.{decimals}f}"
        if share in (0, 1) or float(text) not in (0, 100):
            break
    return f"{text}{THIN}%"


def duration(seconds: float | int) -> str:
    """Seconds as a person says them."""
    if seconds < 10:
        return f"{seconds:.1f}{THIN}s"
    if seconds < 59.5:
        return f"{seconds:.0f}{THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest:02d}{THIN}s"
    return f"{minutes // 60:,}{THIN}h {minutes % 60:02d}{THIN}min"


def orders(falls: Sequence[float]) -> str:
    """By how many powers of ten something fell, or rose, over the seeds."""
    low, high = round(min(falls), 1), round(max(falls), 1)
    if low < 0 < high:
        return f"went from a fall by {high} to a rise by {-low} orders of magnitude, by seed"
    word, (least, most) = ("fell", (low, high)) if high > 0 else ("rose", (abs(high), abs(low)))
    return f"{word} by {least if least == most else f'{least} to {most}'} orders of magnitude"


def setting(value: object) -> str:
    """A value of params.yaml as one would write it by hand."""
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list() | tuple():
            return ", ".join(setting(each) for each in value)
    return str(value)
