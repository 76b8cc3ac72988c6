"""Plot the sensitivity check as a heat map: which metric sees which corruption."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pipeline.figures import style

ROW, HEADING = 0.27, 0.75  # height of a metric's row, in inches; height of a question's name, in rows
LINE, NARROW = 31, 8.5  # characters in a line of a metric's title; font size of a corruption's name
DEEPEST = 4  # excess above which the colour stays the same
FAINTEST = 0.07  # opacity of an excess of 0
COLOUR = style.CLASSES[0]

PANELS = {"classifier": ["classifier"], "random networks": ["random"], "pixels and labels": ["pixels", ""]}


@dataclass(frozen=True)
class Question:
    """Hold the metrics of one question, as rows of a panel from the height `top` downwards."""

    name: str
    top: float
    titles: dict[str, str]  # name of a metric -> its title

    @property
    def bottom(self) -> float:
        """Return the height at which its rows end."""
        return self.top + len(self.titles)


@style.look
def heat_map(table: pd.DataFrame) -> Figure:
    """Plot the excess of each metric on each corruption.

    Args:
        table: one row for each metric, space (classifier, random, pixels or empty) and corruption: the excess, NaN
            without a score; title and question of the metric; and disagrees, whether the metric declares the opposite.
    """
    corruptions = table["corruption"].unique().tolist()
    shown = [table[table["space"].isin(spaces)] for spaces in PANELS.values()]
    above, below = questions(pd.concat(shown[:2])), questions(shown[2])
    heights = [above[-1].bottom, below[-1].bottom]
    size = (style.WIDTH, ROW * sum(heights) + 3.1)
    figure = Figure(figsize=size, layout="constrained", label="Which metric sees which corruption")
    (first, second), (third, corner) = figure.subplots(2, 2, height_ratios=heights)
    for axes, name, part, rows in zip((first, second, third), PANELS, shown, (above, above, below), strict=True):
        panel(axes, part, rows, corruptions)
        axes.set_title(name)
    second.set_yticklabels([])
    legend(corner)
    return figure


def questions(part: pd.DataFrame) -> list[Question]:
    """Return the rows of a panel, grouped by question."""
    found: list[Question] = []
    for name, group in part.groupby("question", sort=False):
        top = (found[-1].bottom if found else 0) + HEADING
        found.append(Question(str(name), top, dict(zip(group["metric"], group["title"], strict=True))))
    return found


def panel(axes: Axes, part: pd.DataFrame, rows: Sequence[Question], corruptions: list[str]) -> None:
    """Plot the cells of one space, with a cross where the result disagrees with the declaration."""
    ticks: dict[float, str] = {}
    for question in rows:
        own = part[part["metric"].isin(list(question.titles))]
        cells = own.pivot(index="metric", columns="corruption", values="excess").reindex(
            list(question.titles), columns=corruptions
        )
        extent = (0, len(corruptions), question.bottom, question.top)
        axes.imshow(tinted(cells.to_numpy(float)), interpolation="none", aspect="auto", extent=extent)
        axes.hlines(np.arange(question.top + 1, question.bottom), 0, len(corruptions), color=style.PAPER, linewidth=1)
        axes.vlines(np.arange(1, len(corruptions)), question.top, question.bottom, color=style.PAPER, linewidth=1)
        ticks[question.top - HEADING / 2] = question.name
        for row, (metric, title) in enumerate(question.titles.items()):
            middle = question.top + row + 0.5
            ticks[middle] = "\n".join(textwrap.wrap(short(title), LINE, max_lines=2, placeholder=" …"))
            for corruption in own.loc[(own["metric"] == metric) & own["disagrees"], "corruption"]:
                x = corruptions.index(corruption) + 0.5
                axes.text(x, middle, "×", ha="center", va="center", weight="bold", gid=f"halo-{metric}-{corruption}")
    axes.set_yticks(list(ticks), list(ticks.values()), linespacing=1)
    for label in axes.get_yticklabels():
        if label.get_text() in {question.name for question in rows}:
            label.set_fontweight("bold")
    axes.set_xticks(
        np.arange(len(corruptions)) + 0.5,
        [corruption.replace("_", " ") for corruption in corruptions],
        rotation=90,
        size=NARROW,
    )
    axes.xaxis.tick_top()
    axes.tick_params(left=False, top=False)
    axes.set(xlim=(0, len(corruptions)), ylim=(rows[-1].bottom, 0))
    bare(axes)


def short(title: str) -> str:
    """Return a metric's title without what follows a comma or an opening bracket."""
    return re.split(r", | \(", title)[0]


def tinted(excess: np.ndarray) -> np.ndarray:
    """Return colours (rows, columns, 4) in 0..1 for excesses (rows, columns), with growing opacity; NaN is clear."""
    cells = np.empty((*excess.shape, 4))
    cells[..., :3] = to_rgb(COLOUR)
    opacity = FAINTEST + (1 - FAINTEST) * np.clip(excess / DEEPEST, 0, 1)
    cells[..., 3] = np.where(np.isnan(excess), 0, opacity)
    return cells


def legend(corner: Axes) -> None:
    """Plot a legend for colours and crosses in a separate corner."""
    corner.set_xticks([])
    corner.set_yticks([])
    bare(corner)
    words = {"xycoords": "axes fraction", "size": style.SMALL}
    corner.annotate("excess over the worst score\nof real images, in units\nof their range", (0, 0.84), **words)
    scale = corner.inset_axes((0, 0.79, 1, 0.035))
    colours = tinted(np.linspace(0, DEEPEST, 33)[None])
    scale.imshow(colours, interpolation="none", aspect="auto", extent=(0, DEEPEST, 0, 1))
    scale.set_xticks(range(DEEPEST + 1), [*map(str, range(DEEPEST)), f"≥ {DEEPEST}"])
    scale.set_yticks([])
    bare(scale)
    corner.annotate("× the opposite of what\nthe metric declares", (0, 0.68), va="top", **words)


def bare(axes: Axes) -> None:
    """Remove the frame and the grid."""
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
