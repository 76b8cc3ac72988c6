"""Plot the models side by side: how sharp their images are, and how sure the classifier is about them."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from pipeline.figures import style

REFERENCE = "test_images"
BINS = 80  # number of bins of sharpness, on a log scale
FAINT = 0.004  # density relative to its peak, below which it is not plotted
FLAT = 1e-4  # variance of the Laplacian below which an image counts as blank
BOUNDS = (0.5, 0.9, 0.99)  # of confidence, between the parts of a bar
OPACITIES = (1.0, 0.5, 0.28, 0.12)  # of the parts of a bar


@style.look
def sharpness(variances: Mapping[str, np.ndarray]) -> Figure:
    """Plot the distribution of the variance of the Laplacian (n,) over each model's images, with its mean."""
    names = ordered(variances)
    values = {name: np.maximum(variances[name], FLAT) for name in names}
    low = min(float(np.quantile(v, 0.002)) for v in values.values())
    high = max(float(np.quantile(v, 0.998)) for v in values.values())
    edges = np.geomspace(low / 1.15, high * 1.15, BINS + 1)
    middles = np.sqrt(edges[1:] * edges[:-1])
    size = (style.WIDTH, 0.42 * len(names) + 0.75)
    figure = Figure(figsize=size, layout="constrained", label="Sharpness of each model's images")
    axes = figure.subplots()
    for row, name in enumerate(names):
        colour = style.MUTED if name == REFERENCE else style.BLUE
        floor, ridge = row + 0.3, density(values[name], edges)
        axes.axhline(floor, color=style.GRID, linewidth=0.7, zorder=0)
        outline = {"facecolor": to_rgba(colour, 0.35), "edgecolor": colour, "linewidth": 0.9}
        axes.fill_between(middles, floor, floor - 0.72 * ridge, where=ridge > FAINT, **outline)
        mean = float(np.mean(variances[name]))
        axes.plot([max(mean, FLAT)], [floor], marker="^", markersize=7, color=colour, clip_on=False)
        axes.annotate(f"{mean:.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center")
    if REFERENCE in variances:
        real = float(np.mean(variances[REFERENCE]))
        axes.axvline(real, color=style.MUTED, linewidth=1, linestyle="--", zorder=0)
    beside = {"xycoords": "axes fraction", "va": "bottom", "color": style.MUTED, "size": style.SMALL}
    axes.annotate("mean", (1.01, 1), **beside)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    name_rows(figure, names)
    axes.set(xlim=(edges[0], edges[-1]), xlabel="variance of the Laplacian (blurred ← → sharp)")
    return figure


def density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the smoothed density of values (n,) between edges (bins + 1,); its peak is 1."""
    heights = np.histogram(values, edges)[0].astype(float)
    kernel = np.exp(-0.5 * (np.arange(-9, 10) / 3) ** 2)
    smooth = np.convolve(heights, kernel / kernel.sum(), mode="same")
    return smooth / max(smooth.max(), 1e-12)


@style.look
def confidence(confidences: Mapping[str, np.ndarray]) -> Figure:
    """Plot the shares of each model's images by the classifier's confidence (n,) in 0..1."""
    names = ordered(confidences)
    size = (style.WIDTH, 0.36 * len(names) + 1.15)
    figure = Figure(figsize=size, layout="constrained", label="Confidence in each model's images")
    axes = figure.subplots()
    lefts = np.zeros(len(names))
    parts = shares({name: confidences[name] for name in names})
    for part, opacity, label in zip(parts.T, OPACITIES, part_names(), strict=True):
        look = {"color": (style.BLUE, opacity), "edgecolor": style.BLUE, "linewidth": 0.6}
        axes.barh(range(len(names)), part, 0.66, lefts, label=label, **look)
        for row, (left, share) in enumerate(zip(lefts, part, strict=True)):
            if share >= 0.08:
                middle = {"ha": "center", "va": "center", "size": style.SMALL}
                colour = style.PAPER if opacity == 1 else style.INK
                axes.text(left + share / 2, row, f"{100 * share:.0f} %", color=colour, **middle)
        lefts = lefts + part
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    name_rows(figure, names)
    axes.set(xlim=(0, 1), xlabel="share of the images")
    spacing = {"handlelength": 1, "columnspacing": 1.2, "handletextpad": 0.4, "borderaxespad": 0.2}
    title = {"title": "confidence of the classifier", "alignment": "left"}
    figure.legend(loc="outside upper left", ncols=len(OPACITIES), **title, **spacing)
    return figure


def shares(confidences: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the shares (models, 4) of images whose confidence (n,) lies between the bounds."""
    rows = []
    for values in confidences.values():
        parts = np.bincount(np.searchsorted(BOUNDS, values, side="right"), minlength=len(BOUNDS) + 1)
        rows.append(parts / len(values))
    return np.array(rows)


def part_names() -> list[str]:
    """Return the names of the parts of a bar, from the lowest confidence to the highest."""
    bounds = [f"{100 * bound:g}" for bound in BOUNDS]
    between = [f"{low} to {high} %" for low, high in pairwise(bounds)]
    return [f"< {bounds[0]} %", *between, f"≥ {bounds[-1]} %"]


def ordered(models: Mapping[str, np.ndarray]) -> list[str]:
    """Return the models' names in the given order, after the real images."""
    return sorted(models, key=lambda name: name != REFERENCE)


def name_rows(figure: Figure, names: list[str]) -> None:
    """Write each model's name beside its row; the first row is at the top."""
    axes = figure.axes[0]
    axes.set_yticks(range(len(names)), ["real test images" if name == REFERENCE else name for name in names])
    axes.tick_params(axis="y", left=False, labelsize=style.NORMAL)
    axes.set_ylim(len(names) - 0.45, -0.6)
    axes.grid(axis="y", visible=False)
