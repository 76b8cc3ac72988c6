"""Plot samples of the same noise at several steps of training."""

import numpy as np
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.grids import PIXELS_PER_INCH, tiles

MOMENTS = 8
SAMPLES = 8
SCALE = 2  # CSS pixels for one image pixel
MARGIN = 54  # width of the text beside a row, in image pixels


@style.look
def snapshots(steps: np.ndarray, images: np.ndarray, steps_per_epoch: float) -> Figure:
    """Plot a row for each of a few steps (s,): its epoch and step, and the first of its images (s, n, 28, 28) u8."""
    rows = moments(len(steps))
    sheet = tiles(images[rows, :SAMPLES].reshape(-1, *images.shape[2:]), SAMPLES, (1, 1))
    height, width = sheet.shape
    inches = ((MARGIN + width) * SCALE / PIXELS_PER_INCH, height * SCALE / PIXELS_PER_INCH)
    figure = Figure(figsize=inches, label="Samples of the same noise during training")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    greys = {"cmap": "gray", "vmin": 0, "vmax": style.LEVELS - 1, "interpolation": "none"}
    axes.imshow(style.quantised(sheet), extent=(MARGIN, MARGIN + width, height, 0), aspect="auto", **greys)
    axes.set(xlim=(0, MARGIN + width), ylim=(height, 0))
    for place, row in enumerate(rows):
        middle = place * (images.shape[2] + 1) + images.shape[2] / 2
        axes.text(MARGIN - 5, middle - 1, f"epoch {steps[row] / steps_per_epoch:.1f}", ha="right", weight="bold")
        axes.text(MARGIN - 5, middle + 7, f"step {steps[row]:,}", color=style.MUTED, size=style.SMALL, ha="right")
    return figure


def moments(count: int, most: int = MOMENTS) -> list[int]:
    """Return the first and the last of `count` indices and some between, closest at the start, where most happens."""
    chosen: list[int] = []
    for place in np.geomspace(1, count, min(most, count)).round().astype(int) - 1:
        chosen.append(max(int(place), chosen[-1] + 1 if chosen else 0))
    return chosen
