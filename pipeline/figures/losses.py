"""Plot the training losses, iteration by iteration (the paper's Figures 3 and 9)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.figures import style

WHOLE = 500  # steps; a history no longer than this is plotted step by step
POINTS = 160  # of the line of a longer history, at most: means of blocks of steps
SHORT = 40  # characters; shorter names of curves share a line of the legend
SETTLED = 0.05  # share of the steps: the axis fits the values after it, and may cut off the start

WATCHED = {"D_real": "D(x)", "D_fake": "D(G(z))", "D_right": "judged right"}  # logged by adversarial models

Curves = dict[str, Sequence[str]]  # name of a curve -> the columns that it sums


@style.look
def losses(histories: Sequence[pd.DataFrame], objectives: Mapping[str, Sequence[str]]) -> Figure:
    """Plot losses in nats by iteration and epoch, given a history per seed and the columns that each objective sums."""
    panels = arranged(list(histories[0].columns), objectives)
    heights = [2.4] + [1.4] * (len(panels) - 1)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1), layout="constrained", label="Training losses")
    stack = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (unit, curves) in zip(stack, panels, strict=True):
        off_scale = draw(axes, {name: summary(histories, columns) for name, columns in curves.items()})
        axes.set_ylabel(unit)
        if off_scale:
            place = {"xy": (1, 1.03), "xycoords": "axes fraction", "ha": "right", "va": "bottom"}
            axes.annotate("start cut off", **place, color=style.MUTED, size=style.SMALL)
    label_time(stack[-1], histories[0])
    figure.supxlabel(explained(histories), size=style.SMALL, color=style.MUTED)
    return figure


def arranged(columns: Sequence[str], objectives: Mapping[str, Sequence[str]]) -> list[tuple[str, Curves]]:
    """Return the panels from top to bottom, each with the unit of its axis and its curves.

    Players of an adversarial game share a panel. A single loss is split into its terms, one panel each, because they
    differ in size. Logged quantities that are not losses come last.
    """
    terms = [term for summed in objectives.values() for term in summed]
    panels: list[tuple[str, Curves]]
    if len(objectives) > 1:
        panels = [("loss (nats)", {described(name, summed): summed for name, summed in objectives.items()})]
    else:
        panels = [("loss (nats)", {" + ".join(map(plain, terms)): terms})]
        panels.extend(("nats", {plain(term): [term]}) for term in terms if len(terms) > 1)
    if logged := [column for column in columns if column not in {"step", "epoch", *terms}]:
        unit = "probability" if set(logged) <= WATCHED.keys() else "value"
        panels.append((unit, {WATCHED.get(column, column): [column] for column in logged}))
    return panels


def described(objective: str, terms: Sequence[str]) -> str:
    """Name an objective and, if it is a sum, its terms: `discriminator: real + fake`."""
    return objective if len(terms) == 1 else f"{objective}: {' + '.join(map(plain, terms))}"


def plain(term: str) -> str:
    """Return the name of a loss without the suffix."""
    return term.removesuffix("_loss")


def summary(histories: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return the sum of the columns by block of steps: step (the middle), mean, low, high.

    With one seed, low and high are the extremes within the block; with several, the extremes of the seeds' means.
    """
    summed = [history[list(columns)].to_numpy().sum(axis=1) for history in histories]
    values = np.stack(summed)  # (seeds, steps)
    starts = np.arange(0, values.shape[1], block_size(values.shape[1]))
    sizes = np.diff(np.append(starts, values.shape[1]))
    means = np.add.reduceat(values, starts, axis=1) / sizes  # (seeds, blocks)
    several = len(histories) > 1
    return pd.DataFrame(
        {
            "step": np.add.reduceat(histories[0]["step"].to_numpy(float), starts) / sizes,
            "mean": means.mean(axis=0),
            "low": means.min(axis=0) if several else np.minimum.reduceat(values[0], starts),
            "high": means.max(axis=0) if several else np.maximum.reduceat(values[0], starts),
        }
    )


def block_size(steps: int) -> int:
    """Return how many steps one point of a line summarises."""
    return 1 if steps <= WHOLE else -(-steps // POINTS)


def draw(axes: Axes, curves: Mapping[str, pd.DataFrame]) -> bool:
    """Plot summaries as lines with bands. Return whether the axis cuts off the start."""
    for (name, curve), colour, dashes in zip(curves.items(), style.SERIES, style.DASHES, strict=False):
        axes.plot(curve["step"], curve["mean"], color=colour, linestyle=dashes, label=name, linewidth=1.2)
        if (curve["high"] > curve["low"]).any():
            band = (curve["step"], curve["low"], curve["high"])
            axes.fill_between(*band, color=colour, alpha=0.2, linewidth=0)
    settled = pd.concat([curve.iloc[int(len(curve) * SETTLED) :] for curve in curves.values()])
    low, high = min(curve["low"].min() for curve in curves.values()), settled["high"].max()
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 0.1
    first = max(curve["high"].iloc[0] for curve in curves.values())
    axes.set(xlim=(0, settled["step"].max()), ylim=(low - margin, high + margin))
    columns = 3 if sum(map(len, curves)) < SHORT else 2
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)
    return bool(first > high + margin)


def label_time(axes: Axes, history: pd.DataFrame) -> None:
    """Label an axis with iterations, and with epochs below them."""
    axes.set_xlabel("iteration")
    scale = float(history["epoch"].iloc[-1] / history["step"].iloc[-1])
    both = (lambda step: step * scale, lambda epoch: epoch / scale)
    below = axes.secondary_xaxis("bottom", functions=both)
    below.spines["bottom"].set_position(("outward", 38))  # points
    below.set_xlabel("epoch")


def explained(histories: Sequence[pd.DataFrame]) -> str:
    """Say in one sentence what lines and bands mean."""
    size, seeds = block_size(len(histories[0])), len(histories)
    over = f"{size} iterations" if size > 1 else ""
    if seeds == 1:
        return f"line: mean of {over}; band: lowest to highest" if over else "every iteration"
    return f"line: mean of {seeds} seeds{' and ' if over else ''}{over}; band: lowest to highest seed"
