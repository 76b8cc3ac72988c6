"""Plot samples above their nearest training images, to show whether they are new or copied."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.grids import PIXELS_PER_INCH, tiles

SHOWN = 10  # pairs in a row
LEFT, HEADING, CAPTION = 62, 27, 30  # CSS pixels: width of the row names, heights above and below the tiles
GAP = 2  # between tiles, in pixels of an image


@dataclass(frozen=True, eq=False)
class Pairs:
    """Hold one row of the figure: samples, the nearest training image of each, and their distances."""

    title: str
    samples: np.ndarray  # (n, h, w) u8
    training: np.ndarray  # (n, h, w) u8
    distances: np.ndarray  # (n,) in units of the median distance of real test images


def choose(index: np.ndarray, distance: np.ndarray, real: np.ndarray, count: int = SHOWN) -> pd.DataFrame:
    """Choose the samples to show: the first ones, and those nearest to their training image.

    Args:
        index: (n,) the training image nearest to each sample.
        distance: (n,) the distance to it.
        real: (m,) the same distances for real test images.
        count: the number of samples of either kind.

    Returns:
        One row for each sample shown: chosen (first or nearest), sample, training_image, distance, and times_real =
        distance / median(real). This is infinite if the median is 0 and the distance is not.
    """
    median = float(np.median(real))
    over_real = np.divide(distance, median, out=np.where(distance > 0, np.inf, 0.0), where=median > 0)
    chosen = {"first": np.arange(len(distance))[:count], "nearest": np.argsort(distance, kind="stable")[:count]}
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "chosen": name,
                    "sample": rows,
                    "training_image": index[rows],
                    "distance": distance[rows],
                    "times_real": over_real[rows],
                }
            )
            for name, rows in chosen.items()
        ],
        ignore_index=True,
    )


@style.look
def nearest(rows: Sequence[Pairs]) -> Figure:
    """Plot rows of up to ten pairs, each sample above its training image, with the distance below."""
    width = style.WIDTH * PIXELS_PER_INCH
    height, side = rows[0].samples.shape[1:]
    unit = (width - LEFT) / (SHOWN * (side + GAP))  # CSS pixels for one pixel of an image
    tall = (2 * height + GAP) * unit
    step = HEADING + tall + CAPTION
    label = "Samples, each above the training image that is nearest to it"
    figure = Figure(figsize=(style.WIDTH, len(rows) * step / PIXELS_PER_INCH), label=label)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    greys = {"cmap": "gray", "vmin": 0, "vmax": style.LEVELS - 1, "interpolation": "none", "aspect": "auto"}
    for row, pairs in enumerate(rows):
        top, count = row * step + HEADING, len(pairs.samples)
        sheet = style.quantised(tiles(np.concatenate([pairs.samples, pairs.training]), count, (GAP, GAP)))
        axes.imshow(sheet, extent=(LEFT, LEFT + sheet.shape[1] * unit, top + tall, top), **greys)
        axes.text(0, top - 8, pairs.title, weight="bold")
        names = {"sample": height / 2 * unit, "training": (1.5 * height + GAP) * unit}
        for name, middle in names.items():
            axes.text(0, top + middle, name, va="center", color=style.MUTED, size=style.SMALL)
        axes.text(0, top + tall + 15, "× real", color=style.MUTED, size=style.SMALL)
        for place, distance in enumerate(pairs.distances):
            x = LEFT + (place * (side + GAP) + side / 2) * unit
            axes.text(x, top + tall + 15, times(distance), ha="center", size=style.SMALL)
    axes.set(xlim=(0, width), ylim=(len(rows) * step, 0))
    return figure


def times(ratio: float) -> str:
    """Return a ratio with two decimals, or none if it is large."""
    if np.isinf(ratio):
        return "∞"
    return f"{ratio:.2f}" if ratio < 9.995 else f"{ratio:.0f}"
