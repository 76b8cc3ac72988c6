"""Plot diagrams of a model's networks (the paper's Figures 1 and 2) from their layers.

Networks are columns. Each layer is a trapezoid, from the width of its input to the width of its output. In a known
pair, the first network is read downwards and the second upwards, so that they connect at the bottom.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon

from pipeline.figures import style

Network = Mapping[str, Any]  # as in results/networks/<model>.json
Layer = Mapping[str, Any]

# Lengths in CSS pixels. Trapezoids are centred on AXIS and between NARROW and WIDE; text starts at TEXT.
COLUMN, AXIS, NARROW, WIDE, TEXT = 269.0, 66.0, 5.0, 116.0, 140.0
LINE, GAP, BOX = 17.0, 5.0, 42.0  # heights of a line of text, between trapezoids, of a box
HEAD, FOOT, TOP = 84.0, 92.0, 23.0  # heights above and below the layers; centre of the boxes above


@style.look
def diagram(networks: Sequence[Network]) -> Figure:
    """Plot the networks side by side; generator and discriminator, or encoder and decoder, are connected."""
    by_name = {network["name"]: network for network in networks}
    if by_name.keys() == {"generator", "discriminator"}:
        return playing(by_name["generator"], by_name["discriminator"])
    if by_name.keys() == {"encoder", "decoder"}:
        return coding(by_name["encoder"], by_name["decoder"])
    return unlinked(networks)


def playing(generator: Network, discriminator: Network) -> Figure:
    """Plot a GAN: noise becomes fake images, and the discriminator sees these and real ones."""
    height = max(tall(generator), tall(discriminator))
    figure, axes = canvas(2, HEAD + height + FOOT)
    left, right, bottom, level = AXIS, COLUMN + AXIS, HEAD + height, HEAD + height + FOOT - 24
    column(axes, generator, 0.0, HEAD, height, upwards=False)
    column(axes, discriminator, COLUMN, HEAD, height, upwards=True)
    box(axes, left, TOP, "noise z", generator["input"])
    arrow(axes, (left, TOP + BOX / 2), (left, HEAD))
    arrow(axes, (left, bottom), (left, level - BOX / 2))
    box(axes, left, level, "fake images", generator["output"])
    box(axes, right + 132, level, "real images", discriminator["input"])
    arrow(axes, (left + WIDE / 2, level), (right, level), (right, bottom))
    line(axes, (right + 132 - WIDE / 2, level), (right, level))
    arrow(axes, (right, HEAD), (right, TOP + BOX / 2))
    box(axes, right, TOP, "real or fake?", discriminator["output"])
    return figure


def coding(encoder: Network, decoder: Network) -> Figure:
    """Plot a VAE: an image becomes a mean and a log-variance, and a code drawn from them becomes an image."""
    height = max(tall(encoder), tall(decoder))
    figure, axes = canvas(2, HEAD + height + FOOT)
    left, right, bottom, level = AXIS, COLUMN + AXIS, HEAD + height, HEAD + height + FOOT - 24
    middle = (left + right) / 2
    column(axes, encoder, 0.0, HEAD, height, upwards=False)
    column(axes, decoder, COLUMN, HEAD, height, upwards=True)
    box(axes, left, TOP, "image", encoder["input"])
    arrow(axes, (left, TOP + BOX / 2), (left, HEAD))
    arrow(axes, (left, bottom), (left, level), (middle - WIDE / 2, level))
    box(axes, middle, level, "sample z", decoder["input"])
    arrow(axes, (middle + WIDE / 2, level), (right, level), (right, bottom))
    arrow(axes, (right, HEAD), (right, TOP + BOX / 2))
    box(axes, right, TOP, "image", decoder["output"])
    return figure


def unlinked(networks: Sequence[Network]) -> Figure:
    """Plot networks without connections, two in a row."""
    rows = [networks[start : start + 2] for start in range(0, len(networks), 2)]
    heights = [max(map(tall, row)) for row in rows]
    figure, axes = canvas(min(len(networks), 2), sum(heights) + len(rows) * (HEAD + LINE))
    top = HEAD
    for row, height in zip(rows, heights, strict=True):
        for place, network in enumerate(row):
            column(axes, network, place * COLUMN, top, height, upwards=False)
            box(axes, place * COLUMN + AXIS, top - HEAD + TOP, "input", network["input"])
            arrow(axes, (place * COLUMN + AXIS, top - HEAD + TOP + BOX / 2), (place * COLUMN + AXIS, top))
        top += height + HEAD + LINE
    return figure


def canvas(columns: int, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose coordinates are CSS pixels from the top left."""
    width = columns * COLUMN
    figure = Figure(figsize=(width / 96, height / 96), label="Architecture of the networks")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def column(axes: Axes, network: Network, left: float, top: float, height: float, upwards: bool) -> None:
    """Plot a network's name above its layers, which fill `height` from `top`."""
    axes.text(left + TEXT, top - 70, network["name"], va="center", weight="bold", size=11.5)
    for number, text in enumerate((f"{network['parameters']:,}".replace(",", " "), "parameters")):
        y = top - 69 + LINE * (number + 1)
        axes.text(left + TEXT, y, text, va="center", color=style.MUTED, size=style.SMALL)
    rows = abreast(network["layers"])
    widest = max(map(math.prod, [network["input"], *(layer["output"] for layer in network["layers"])]))
    step, width = height / len(rows), math.prod(network["input"])
    for place, row in enumerate(rows):
        start = top + step * (len(rows) - place if upwards else place)
        end = start - step if upwards else start + step
        into = math.copysign(GAP / 2, end - start)
        for index, layer in enumerate(row):
            half = WIDE / 2 / len(row)
            middle = left + AXIS + half * (2 * index - len(row) + 1)
            ends = [WIDE * math.sqrt(units / widest) for units in (width, math.prod(layer["output"]))]
            breadths = np.clip(ends, NARROW, 2 * half - GAP)
            trapezoid(axes, middle, start + into, end - into, *breadths)
        lines = described(row)
        for number, line in enumerate(lines):
            y = (start + end) / 2 + LINE * (number - (len(lines) - 1) / 2)
            weight = "bold" if number < len(row) else "normal"
            axes.text(left + TEXT, y, line, va="center", size=10, weight=weight)
        width = math.prod(row[-1]["output"])


def abreast(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Return rows of layers in order; numbered outputs, the heads of an encoder, share a row."""
    heads = [layer["name"].startswith("Output ") for layer in layers]
    rows = groupby(enumerate(layers), key=lambda at: -1 if heads[at[0]] else at[0])
    return [[layer for _, layer in row] for _, row in rows]


def described(row: Sequence[Layer]) -> list[str]:
    """Return the text beside a row of layers: sizes, kind unless linear, activation and dropout if any."""
    if len(row) == 2:
        return [f"mean: {size(row[0]['output'])}", f"log-variance: {size(row[1]['output'])}"]
    layer = row[0]
    if layer["kind"] == "Linear":
        lines = [f"{layer['in']} → {layer['out']}"]
    else:
        lines = [size(layer["output"]), layer["kind"]]
    if layer["activation"] != "none":
        lines += layer["activation"].replace(" (", "\n(").split("\n")
    if layer["dropout"]:
        lines.append(f"dropout {layer['dropout']:g}")
    return lines


def tall(network: Network) -> float:
    """Return the height of a network's layers, with room for the longest text."""
    rows = abreast(network["layers"])
    return len(rows) * (LINE * max(len(described(row)) for row in rows) + 2 * GAP)


def size(shape: Sequence[int]) -> str:
    """Return a shape as text."""
    return "\N{MULTIPLICATION SIGN}".join(map(str, shape))


def box(axes: Axes, x: float, y: float, name: str, shape: Sequence[int]) -> None:
    """Plot an input or output with its size, centred at (x, y)."""
    shape_of_box = ((x - WIDE / 2, y - BOX / 2), WIDE, BOX, "round,pad=0,rounding_size=6")
    axes.add_patch(FancyBboxPatch(*shape_of_box, facecolor="none", edgecolor=style.MUTED, linewidth=0.9))
    axes.text(x, y - LINE / 2, name, ha="center", va="center", size=10)
    axes.text(x, y + LINE / 2, size(shape), ha="center", va="center", size=style.SMALL, color=style.MUTED)


def trapezoid(axes: Axes, x: float, start: float, end: float, first: float, last: float) -> None:
    """Plot a layer centred at x, from width `first` at height `start` to width `last` at height `end`."""
    corners = [(x - first / 2, start), (x + first / 2, start), (x + last / 2, end), (x - last / 2, end)]
    axes.add_patch(Polygon(corners, facecolor=(style.BLUE, 0.35), edgecolor=style.BLUE, linewidth=0.8))


def line(axes: Axes, *points: tuple[float, float]) -> None:
    """Plot a line through the points."""
    axes.plot(*zip(*points, strict=True), color=style.MUTED, linewidth=1.2, solid_joinstyle="miter")


def arrow(axes: Axes, *points: tuple[float, float]) -> None:
    """Plot a line through the points, with a head at the last one."""
    line(axes, *points)
    (x, y), (to_x, to_y) = points[-2:]
    length = math.dist((x, y), (to_x, to_y))
    along, across = (4.5 * (to_x - x) / length, 4.5 * (to_y - y) / length), (to_y - y) / length
    base = (to_x - 1.8 * along[0], to_y - 1.8 * along[1])
    side = (4.5 * across, -along[0])
    head = [(to_x, to_y), (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1])]
    axes.add_patch(Polygon(head, facecolor=style.MUTED, linewidth=0))
