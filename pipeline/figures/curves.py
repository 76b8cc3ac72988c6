"""Plot curves of all models: precision against recall, power by frequency, and distance by number of samples.

Up to five models share a panel and differ in colour and dashes. With more models, each has its own panel on the same
axes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.figures import style
from pipeline.figures.comparison import REFERENCE
from pipeline.figures.grids import abridged

FEW = len(style.SERIES)  # largest number of models in one panel
COLUMNS, ROW, HEAD = 3, 1.72, 0.55  # small panels in a row; heights of a row and of the legend, in inches
LONGEST = 17  # characters of a model's name above a small panel
REAL = {"color": style.MUTED, "linewidth": 1.2}
REAL_NAME = "real test images"
SHARES = [0, 0.5, 1]


@style.look
def precision_recall(curves: Mapping[str, Mapping[str, np.ndarray]]) -> Figure:
    """Plot precision against recall.

    Args:
        curves: for each feature space, the curves of the models and of `test_images`: (points, 2), recall and
            precision. A source without a curve may be missing.
    """
    label = "Precision against recall of each model"
    names = models_of(*curves.values())
    if not any(curves.values()):
        return nothing(label)
    if len(names) <= FEW:
        figure = Figure(figsize=(style.WIDTH, 3.65), layout="constrained", label=label)
        for axes, (space, found) in zip(row_of(figure, len(curves)), curves.items(), strict=True):
            if REFERENCE in found:
                axes.plot(*found[REFERENCE].T, **REAL, label=REAL_NAME)
            for name, colour, dash in zip(names, style.SERIES, style.DASHES, strict=False):
                if name in found:
                    axes.plot(*found[name].T, color=colour, linestyle=dash, label=name)
            axes.set_title(space)
            axes.set_xlabel("recall")
            unit_square(axes)
        figure.axes[0].set_ylabel("precision")
    else:
        figure, panels = small(names, label)
        for axes, name in zip(panels, names, strict=True):
            for (space, found), colour, dash in zip(curves.items(), style.SERIES, style.DASHES, strict=False):
                if REFERENCE in found:
                    axes.plot(*found[REFERENCE][::2].T, **REAL, linestyle=dash, label=f"real, {space}")
                if name in found:
                    axes.plot(*found[name][::2].T, color=colour, linestyle=dash, label=f"model, {space}")
            unit_square(axes)
        outer(panels)
        figure.supxlabel("recall", size=style.NORMAL)
        figure.supylabel("precision", size=style.NORMAL)
    legend(figure, 2)
    return figure


@style.look
def spectra(ratios: Mapping[str, np.ndarray], baselines: Mapping[str, np.ndarray]) -> Figure:
    """Plot the power at each spatial frequency, as a ratio to that of real images.

    Args:
        ratios: for each model, (radii,) from one cycle per image upwards.
        baselines: the same for baselines, by their names in the legend.
    """
    label = "Power at each spatial frequency over that of real images"
    names = list(ratios)
    every = np.concatenate([*ratios.values(), *baselines.values(), [1.0]])

    def plot(axes: Axes, shown: Sequence[str]) -> None:
        axes.axhline(1, **REAL, label=REAL_NAME)
        for name, ratio in baselines.items():
            axes.plot(cycles(ratio), ratio, **REAL, linestyle=(0, (1, 1.5)), label=name)
        for name, colour, dash in zip(shown, style.SERIES, style.DASHES, strict=False):
            axes.plot(cycles(ratios[name]), ratios[name], color=colour, linestyle=dash, label=name)
        style.log_axis(axes, every)
        axes.set_xlim(1, max(len(ratio) for ratio in ratios.values()))
        axes.set_xticks([1, 5, 10, 15, 20])

    if len(names) <= FEW:
        figure = Figure(figsize=(style.WIDTH, 3.2), layout="constrained", label=label)
        axes = figure.subplots()
        plot(axes, names)
        axes.set(xlabel="cycles per image (coarse ← → fine)", ylabel="times the power of real images")
    else:
        figure, panels = small(names, label)
        for axes, name in zip(panels, names, strict=True):
            plot(axes, [name])
        outer(panels)
        figure.supxlabel("cycles per image (coarse ← → fine)", size=style.NORMAL)
        figure.supylabel("times the power of real images", size=style.NORMAL)
        panels[0].lines[-1].set_label("the model")
    legend(figure, 3 if len(names) <= FEW else 2)
    return figure


@style.look
def extrapolation(distances: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Plot the distance of n samples against 1/n, with the line that extrapolates to infinitely many.

    Each panel has its own scale.

    Args:
        distances: for each model and for `test_images`, the sizes (points,) and the distances (points,) in per cent of
            the variance of real images.
    """
    label = "Fréchet distance against the number of samples"
    if not distances:
        return nothing(label)
    names = sorted(distances, key=lambda name: name != REFERENCE)
    figure, panels = small(names, label)
    for axes, name in zip(panels, names, strict=True):
        sizes, found = distances[name]
        colour = style.MUTED if name == REFERENCE else style.BLUE
        slope, end = np.polyfit(1 / sizes, found, 1)
        far = 1 / sizes.min()
        axes.plot(1 / sizes, found, ".", color=colour, markersize=4)
        axes.plot([0, far], [end, end + slope * far], color=colour, linewidth=1)
        axes.plot([0], [end], "D", color=colour, markersize=5, clip_on=False)
        reached = f"{end:.2f} % at ∞".replace("-", "\N{MINUS SIGN}")
        axes.set_title(f"{axes.get_title(loc='left')}\n{reached}", size=style.SMALL)
        low, high = min(0.0, float(end), *found), max(float(end), *found)
        axes.set(xlim=(0, 1.05 * far), ylim=(low - 0.1 * (high - low) * (low < 0), low + 1.12 * (high - low) or 1))
        axes.set_xticks([0, far / 2, far], ["∞", f"{2 * sizes.min():.0f}", f"{sizes.min():.0f}"])
        axes.locator_params(axis="y", nbins=4)
    figure.supxlabel("samples (spaced by 1/n)", size=style.NORMAL)
    figure.supylabel("Fréchet distance (%)", size=style.NORMAL)
    return figure


def models_of(*tables: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of the models in any of the tables, in order of appearance; real images are left out."""
    return list(dict.fromkeys(name for table in tables for name in table if name != REFERENCE))


def cycles(ratio: np.ndarray) -> np.ndarray:
    """Return the frequencies (radii,) of a spectrum without its constant term, in cycles per image."""
    return np.arange(1, len(ratio) + 1)


def row_of(figure: Figure, count: int) -> list[Axes]:
    """Return `count` panels side by side that share their vertical axis."""
    return list(figure.subplots(1, count, sharey=True, squeeze=False)[0])


def small(names: Sequence[str], label: str) -> tuple[Figure, list[Axes]]:
    """Return a figure with one small panel for each name, which is its title."""
    rows = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(style.WIDTH, ROW * rows + HEAD), layout="constrained", label=label)
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).ravel())
    for spare in panels[len(names) :]:
        spare.remove()
    for axes, name in zip(panels, names, strict=False):
        axes.set_title(REAL_NAME if name == REFERENCE else abridged(name, LONGEST), size=style.SMALL)
        axes.tick_params(labelsize=style.SMALL - 1)
    return figure, panels[: len(names)]


def outer(panels: Sequence[Axes]) -> None:
    """Keep the tick labels of the shared vertical axis only on the first panel of each row."""
    for place, axes in enumerate(panels):
        axes.tick_params(labelleft=place % COLUMNS == 0)


def unit_square(axes: Axes) -> None:
    """Set axes for two shares plotted against each other."""
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal", xticks=SHARES, yticks=SHARES)


def legend(figure: Figure, columns: int) -> None:
    """Add one legend above all panels, with the entries of the first panel."""
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=columns, **style.TIGHT)


def nothing(label: str) -> Figure:
    """Return a placeholder for a figure for which there are too few samples."""
    figure = Figure(figsize=(style.WIDTH, 0.6), label=label)
    figure.text(0, 0.4, "Not measured: there are too few images for it.", color=style.MUTED)
    return figure
