"""Plot grids of samples: plain, with predicted labels (the paper's Figures 7 and 8), and ambiguous ones (Figure 6)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.figures import style

SHORT = 4  # characters; class names no longer than this leave room for more columns
PIXELS_PER_INCH = 96  # of the CSS
PIXELS_WIDE = 280  # of ten images side by side


def samples(images: np.ndarray, columns: int = 10, rows: int = 10) -> bytes:
    """Return a PNG of the first images (n, 28, 28) u8, row by row, at double size and with transparent gaps."""
    return style.png(tiles(images[: columns * rows], columns, (1, 1)), scale=2)


def exhibit(images: np.ndarray) -> bytes:
    """Return a PNG of images (rows, columns, h, w) u8 in their rows and columns; small ones are enlarged."""
    rows, columns, height, width = images.shape
    scale = max(1, round(2 * PIXELS_WIDE / (columns * width))) if width < PIXELS_WIDE // 4 else 1
    sheet = tiles(images.reshape(rows * columns, height, width), columns, (2, 2))
    return style.png(sheet, scale=min(scale, 4))


def tiles(images: np.ndarray, columns: int, gap: tuple[int, int]) -> np.ma.MaskedArray:
    """Arrange images (n, h, w) u8 row by row, with gaps (down, right) in pixels; gaps and empty places are masked."""
    count, height, width = images.shape
    down, right = height + gap[0], width + gap[1]
    rows = -(-count // columns)
    sheet = np.ma.MaskedArray(np.zeros((rows * down - gap[0], columns * right - gap[1]), np.uint8), mask=True)
    for index, image in enumerate(images):
        top, left = index // columns * down, index % columns * right
        sheet[top : top + height, left : left + width] = image
    return sheet


def labelled(
    images: np.ndarray,
    labels: np.ndarray,
    confidences: np.ndarray,
    class_names: Sequence[str],
    count: int = 40,
) -> Figure:
    """Plot the first images (n, 28, 28) u8 with their predicted labels (n,) and confidences (n,) in 0..1."""
    short = longest(class_names) <= SHORT
    captions = [
        (abridged(class_names[int(label)], 13), percent(float(confidence)))
        for label, confidence in zip(labels[:count], confidences[:count], strict=True)
    ]
    figure = captioned(images[:count], captions, *((8, 7) if short else (5, 22)))
    figure.set_label("Samples with their predicted labels and the confidence in them")
    return figure


def ambiguous(images: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], count: int = 12) -> Figure:
    """Plot the least certain images (n, 28, 28) u8 with their two likeliest labels, by probabilities (n, K)."""
    short = longest(class_names) <= SHORT
    least_certain = np.argsort(probabilities.max(axis=1), kind="stable")[:count]
    captions = []
    for row in probabilities[least_certain]:
        first, second = (
            f"{abridged(class_names[int(label)], 11)}: {percent(float(row[label]))}"
            for label in np.argsort(-row, kind="stable")[:2]
        )
        captions.append((first, second))
    figure = captioned(images[least_certain], captions, *((6, 9) if short else (4, 20)))
    figure.set_label("The least certain samples with their two likeliest labels")
    return figure


@style.look
def captioned(images: np.ndarray, captions: Sequence[tuple[str, str]], columns: int, gap: int) -> Figure:
    """Plot images (n, h, w) u8 in columns, `gap` image pixels apart, each with two lines of text below it."""
    count, height, width = images.shape
    slot = width + gap
    unit = style.WIDTH * PIXELS_PER_INCH / (columns * slot)  # CSS pixels for one pixel of an image
    text = round(40 / unit)  # room for two lines, in pixels of an image
    rows = -(-count // columns)
    total = rows * (height + text)
    figure = Figure(figsize=(style.WIDTH, max(total * unit / PIXELS_PER_INCH, 0.1)))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, columns * slot), ylim=(max(total, 1), 0))
    axes.axis("off")
    if not count:
        return figure
    sheet = tiles(images, columns, (text, gap))
    extent = (gap / 2, gap / 2 + sheet.shape[1], sheet.shape[0], 0)
    levels = style.quantised(sheet)
    greys = {"cmap": "gray", "vmin": 0, "vmax": style.LEVELS - 1, "interpolation": "none"}
    axes.imshow(levels, extent=extent, aspect="auto", **greys)
    axes.set(xlim=(0, columns * slot), ylim=(total, 0))  # again, because imshow changed them
    for index, (first, second) in enumerate(captions):
        x = (index % columns + 0.5) * slot
        y = index // columns * (height + text) + height
        axes.text(x, y + 15 / unit, first, ha="center", weight="bold", size=style.NORMAL)
        axes.text(x, y + 31 / unit, second, ha="center", color=style.MUTED, size=style.SMALL)
    return figure


def longest(class_names: Sequence[str]) -> int:
    """Return the length of the longest class name."""
    return max(map(len, class_names))


def abridged(name: str, length: int) -> str:
    """Return the name, shortened to `length` characters with an ellipsis if it is longer."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def percent(probability: float) -> str:
    """Return a probability as a whole percentage that never claims certainty."""
    rounded = round(100 * probability)
    return "> 99 %" if rounded == 100 else "< 1 %" if rounded == 0 else f"{rounded} %"
