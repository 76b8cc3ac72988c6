"""Plot the rules of a run as a graph that shows which rule uses the files of which."""

from collections.abc import Collection, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise

from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from pipeline.figures import style

ROW = 0.2  # distance between rows, in inches
STEP = 0.13  # inches by which a rule is indented from the one above it, if there is room
CORNER = 0.055  # radius of the bend of a line, in inches
LETTER = 0.092  # width of a letter of a name, in inches
MARGIN = 0.09


@style.look
def graph(takes_from: Mapping[str, Collection[str]], beside: Mapping[str, str]) -> Figure:
    """Plot the rules from first to last, each in its own row, in layers of rules that do not depend on each other.

    A line leads down from a rule and bends to each rule that uses its files. Indirect dependencies have no line of
    their own.

    Args:
        takes_from: for each rule, the rules whose files it uses.
        beside: for each rule, the text at the end of its row.

    Raises:
        graphlib.CycleError: rules depend on each other in a circle.
    """
    lines = reduced(takes_from)
    depth = layers(takes_from)
    names = ordered(depth, lines)
    height = ROW * len(names) + 2 * MARGIN
    figure = Figure(figsize=(style.WIDTH, height), label="The rules of this run, from the data to the report")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, style.WIDTH), ylim=(height, 0))
    axes.set_axis_off()

    step = narrowest(names, beside)
    x = {name: MARGIN + step * row for row, name in enumerate(names)}
    y = {name: MARGIN + ROW * (row + 0.5) for row, name in enumerate(names)}
    for above, below in pairwise(names):
        if depth[above] < depth[below]:
            axes.axhline(y[below] - ROW / 2, color=style.GRID, linewidth=0.7, zorder=0)
    for row, name in enumerate(names):
        colour = style.SERIES[row % len(style.SERIES)]
        for taker in (taker for taker in names if name in lines[taker]):
            bend = bent((x[name], y[name]), (x[taker] - MARGIN / 2, y[taker]))
            axes.add_patch(PathPatch(bend, fill=False, edgecolor=colour, linewidth=1.1, zorder=1))
        axes.plot([x[name]], [y[name]], "o", markersize=5, color=colour, zorder=2)
        axes.text(x[name] + MARGIN, y[name], name, va="center_baseline")
        right = {"ha": "right", "va": "center_baseline", "color": style.MUTED, "size": style.SMALL}
        axes.text(style.WIDTH - 0.03, y[name], beside[name], **right)
    return figure


def layers(takes_from: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return how many rules must run one after the other before each rule."""
    depth: dict[str, int] = {}
    for name in TopologicalSorter(takes_from).static_order():
        depth[name] = 1 + max((depth[before] for before in takes_from[name]), default=-1)
    return depth


def reduced(takes_from: Mapping[str, Collection[str]]) -> dict[str, list[str]]:
    """Return the transitive reduction of the graph: the same dependencies with the fewest lines."""
    before: dict[str, set[str]] = {}
    for name in TopologicalSorter(takes_from).static_order():
        before[name] = set(takes_from[name]).union(*(before[each] for each in takes_from[name]))
    return {
        name: [each for each in direct if not any(each in before[other] for other in direct)]
        for name, direct in takes_from.items()
    }


def ordered(depth: Mapping[str, int], lines: Mapping[str, Collection[str]]) -> list[str]:
    """Return rules by layer; within a layer, those with the longest lines come first, so that fewer lines cross."""
    reach = {name: max((depth[taker] for taker in lines if name in lines[taker]), default=-1) for name in lines}
    return sorted(lines, key=lambda name: (depth[name], -reach[name]))


def narrowest(names: Sequence[str], beside: Mapping[str, str]) -> float:
    """Return the indentation in inches with which every row fits its text."""
    room = [style.WIDTH - 3 * MARGIN - LETTER * (len(name) + len(beside[name]) + 1) for name in names]
    return min([STEP, *(space / row for row, space in enumerate(room) if row)])


def bent(start: tuple[float, float], end: tuple[float, float]) -> Path:
    """Return a path down from `start`, round a corner, and right to `end`."""
    left, (right, bottom) = start[0], end
    points = [start, (left, bottom - CORNER), (left, bottom), (left + CORNER, bottom), (right, bottom)]
    return Path(points, [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.LINETO])
