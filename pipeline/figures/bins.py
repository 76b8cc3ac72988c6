"""Plot the z score of each bin of the data, with pictures of the bins that a model fills too rarely or too often."""

import numpy as np
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.grids import PIXELS_PER_INCH
from pipeline.figures.nearest import times

SHOWN = 3  # bins shown at either end
LIMIT = 1.96  # by chance alone, 95 % of all z lie between -LIMIT and LIMIT
PLOT, STRIP = 215, 122  # height of the plot and of the pictures, in CSS pixels
TILE = 56  # side of a picture, in CSS pixels
TICKS = (2, 5, 10, 100, 1000)


@style.look
def bins(centres: np.ndarray, train: np.ndarray, fake: np.ndarray, z: np.ndarray) -> Figure:
    """Plot the z scores (b,) of all bins in ascending order, above the centres of the most extreme ones.

    Args:
        centres: (b, h, w) u8, the mean image of each bin.
        train: (b,) the share of the training images in each bin.
        fake: (b,) the share of the samples in each bin.
        z: (b,) z scores of fake - train; above 0 if a bin has too many samples.
    """
    order = np.argsort(z, kind="stable")
    size = (style.WIDTH, (PLOT + STRIP) / PIXELS_PER_INCH)
    figure = Figure(figsize=size, label="Parts of the data that the model draws too rarely or too often")
    low = (STRIP + 46) / (PLOT + STRIP)
    axes = figure.add_axes((0.115, low, 0.88, 0.985 - low))
    axes.axhspan(-LIMIT, LIMIT, color=style.GRID, linewidth=0)
    for colour, inside in {
        style.BLUE: z[order] < -LIMIT,
        style.MUTED: np.abs(z[order]) <= LIMIT,
        style.VERMILLION: z[order] > LIMIT,
    }.items():
        places = np.flatnonzero(inside)
        axes.vlines(places, 0, z[order][places], color=colour, linewidth=2)
    axes.axhline(0, color=style.MUTED, linewidth=0.7)
    high = 1.4 * max(4.0, float(np.abs(z).max()))
    axes.set_yscale("symlog", linthresh=2, linscale=0.8)
    ticks = [tick for tick in TICKS if tick < high and (tick != 5 or high < 20)]
    marks = [*(-tick for tick in reversed(ticks)), 0, *ticks]
    axes.set_yticks(marks, [str(mark).replace("-", "\N{MINUS SIGN}") for mark in marks])
    axes.yaxis.set_ticks([], minor=True)
    axes.set(xlim=(-1, len(z)), ylim=(-high, high), ylabel="z")
    axes.set_xlabel(f"the {len(z)} parts of the training data, the rarest first")
    axes.set_xticks([])
    axes.grid(axis="x", visible=False)
    extremes(figure, centres, train, fake, z, order)
    return figure


def extremes(
    figure: Figure, centres: np.ndarray, train: np.ndarray, fake: np.ndarray, z: np.ndarray, order: np.ndarray
) -> None:
    """Plot the three bins at either end of the order (b,) below the z scores; each side shows only bins of its sign."""
    width, height = style.WIDTH * PIXELS_PER_INCH, STRIP
    axes = figure.add_axes((0, 0, 1, STRIP / (PLOT + STRIP)))
    axes.axis("off")
    slot = width / (2 * SHOWN)
    greys = {"cmap": "gray", "vmin": 0, "vmax": style.LEVELS - 1, "interpolation": "none", "aspect": "auto"}
    ends = {
        "rarer than in the training data": [each for each in order[:SHOWN] if z[each] < 0],
        "more frequent than there": [each for each in order[: -SHOWN - 1 : -1] if z[each] > 0],
    }
    for side, (title, shown) in enumerate(ends.items()):
        start = side * SHOWN * slot
        axes.text(start, 14, title, weight="bold")
        for place, each in enumerate(shown):
            left = start + place * slot
            extent = (left, left + TILE, 24 + TILE, 24)
            axes.imshow(style.quantised(centres[each]), extent=extent, **greys)
            ratio = float(fake[each] / train[each]) if train[each] else np.inf
            axes.text(left, 24 + TILE + 17, f"{times(ratio)} ×", weight="bold")
            score = f"z {z[each]:.1f}".replace("-", "\N{MINUS SIGN}")
            axes.text(left, 24 + TILE + 33, score, color=style.MUTED, size=style.SMALL)
    axes.set(xlim=(0, width), ylim=(height, 0))
