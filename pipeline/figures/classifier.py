"""Plot what the classifier confuses, and how well its confidence is calibrated."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pipeline.figures import style

COUNTED = 15  # largest number of classes for which counts fit into the cells
NAMED = 25  # largest number of classes for which each has a tick
RIGHT, WRONG = style.CLASSES[0], style.CLASSES[1]
FAINTEST, STRONGEST = 0.12, 0.6  # opacity of an error that occurs once, and of the most frequent one


def confusion(counts: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Plot the counts (K, K) of test images by true class (rows) and predicted class (columns)."""
    return matrix(counts, class_names, "true", "Confusion matrix of the classifier")


def requested(counts: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Plot the counts (K, K) of a conditional model's images by requested (rows) and predicted class (columns)."""
    return matrix(counts, class_names, "requested", "Requested and predicted classes")


@style.look
def matrix(counts: np.ndarray, class_names: Sequence[str], rows: str, title: str) -> Figure:
    """Plot counts (K, K) as a table of tinted cells: columns are predicted classes, and `rows` names the rows."""
    classes = len(class_names)
    size = (style.WIDTH, style.WIDTH)
    figure = Figure(figsize=size, layout="constrained", label=title)
    axes = figure.subplots()
    axes.imshow(tinted(counts), interpolation="none")
    if classes <= COUNTED:
        points = min(style.NORMAL, 125 / classes)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                weight = "bold" if row == column else "normal"
                axes.text(column, row, str(count), ha="center", va="center", size=points, weight=weight)
    places = np.arange(0, classes, 1 if classes <= NAMED else -(-classes // 20))
    names = [class_names[place] for place in places.tolist()]
    upright = len(names) * max(map(len, names)) <= 50
    axes.set_xticks(places, names, rotation=0 if upright else 90)
    axes.set_yticks(places, names)
    axes.set(xlabel="predicted", ylabel=rows)
    axes.tick_params(left=False, bottom=False)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def tinted(counts: np.ndarray) -> np.ndarray:
    """Return colours (K, K, 4) in 0..1 for counts (K, K): the opacity of errors grows with the log of their count."""
    right = np.eye(len(counts), dtype=bool)
    errors = np.where(right, 0, counts)
    depth = np.log1p(errors) / max(np.log1p(errors.max()), 1)
    opacity = np.where(errors > 0, FAINTEST + (STRONGEST - FAINTEST) * depth, 0)
    cells = np.empty((*counts.shape, 4))
    cells[..., :3] = np.where(right[..., None], to_rgb(RIGHT), to_rgb(WRONG))
    cells[..., 3] = np.where(right, 0.45, opacity)
    return cells


@style.look
def reliability(bins: pd.DataFrame) -> Figure:
    """Plot accuracy against confidence, for bins with lower, upper, confidence, accuracy (0..1) and count."""
    size = (style.WIDTH, 5.2)
    figure = Figure(figsize=size, layout="constrained", label="Reliability of the classifier's confidence")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.25))
    above.plot((0, 1), (0, 1), "--", color=style.MUTED, linewidth=1, label="perfectly calibrated")
    above.plot(bins["confidence"], bins["accuracy"], color=style.BLUE, marker="o", label="classifier")
    above.set(xlim=(0, 1), ylim=(0, 1.03), ylabel="accuracy")
    above.legend(loc="upper left")
    widths = bins["upper"] - bins["lower"]
    bars = {"color": (style.BLUE, 0.35), "edgecolor": style.BLUE, "linewidth": 0.6}
    below.bar(bins["lower"], bins["count"], widths, align="edge", **bars)
    for place, count in zip(bins["lower"] + widths / 2, bins["count"], strict=True):
        below.text(place, count * 1.25, f"{count:g}", ha="center", size=8.5)
    below.set(yscale="log", ylim=(0.7, bins["count"].max() * 5), xlabel="confidence", ylabel="images")
    below.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}".replace(",", " ")))
    below.grid(axis="x", visible=False)
    below.tick_params(axis="y", which="minor", length=0)
    return figure
