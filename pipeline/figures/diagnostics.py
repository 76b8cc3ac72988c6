"""Plot the diagnostics of one training run, with each alarm on the panels that it concerns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.alarms import Alarm, Trained, evenness
from pipeline.figures import losses, style

HEIGHT = 0.95  # of a panel without its title, in inches
POINTS = 100  # of a line, at most: each is the median of several diagnostics if need be
FEW = 3  # largest number of networks, or dimensions of a code, that have a line each
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

Curves = Mapping[str, pd.DataFrame]  # name -> a row for each step: line and, if it has a band, low and high


@dataclass(frozen=True)
class Panel:
    """Describe the curves of one axis, and the kind of alarm that concerns them."""

    title: str
    curves: Curves
    alarm: str | None = None
    log: bool = True
    level: tuple[float, str] | None = None  # a reference value and its name
    first: int = 0  # index of the first colour


@style.look
def diagnostics(trained: Trained, alarms: Sequence[Alarm]) -> Figure:
    """Plot one training run, panel by panel, over its iterations and epochs."""
    shown = [panel for panel in panels(trained) if panel.curves]
    size = (style.WIDTH, (HEIGHT + 0.34) * len(shown) + 0.8)
    figure = Figure(figsize=size, layout="constrained", label="Health of the training")
    stack = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    stack[-1].set_xlim(0, trained.history["step"].iloc[-1])
    for axes in stack[:-1]:
        axes.tick_params(axis="x", bottom=False)
    for row, (axes, panel) in enumerate(zip(stack, shown, strict=True)):
        draw(axes, panel)
        if own := [alarm for alarm in alarms if alarm.kind == panel.alarm]:
            mark(axes, own, gid=f"halo-{row}")
    losses.label_time(stack[-1], trained.history)
    figure.supxlabel(explained(trained), size=style.SMALL, color=style.MUTED)
    return figure


def panels(trained: Trained) -> list[Panel]:
    """Return the panels from top to bottom; a panel has no curves if the model lacks the quantity."""
    gradients, updates = trained.of("gradient"), trained.of("update")
    networks = grouped(trained.checks.query("quantity == 'gradient'")["part"].dropna().unique().tolist())
    losses_of_generator = {"saturating": trained.of("saturating"), "non-saturating": trained.of("nonsaturating")}
    return [
        Panel("D(G(z)), the mean over fakes", judged(trained.history), "oscillation"),
        Panel(
            "norm of the gradient",
            {name: line(gradients[layers].pow(2).sum(axis=1).pow(0.5)) for name, layers in networks.items()},
            "vanishing gradient",
        ),
        Panel(
            "norm of the generator’s gradient, by its loss",
            {name: line(table["generator"]) for name, table in losses_of_generator.items() if "generator" in table},
            first=2,
        ),
        Panel("step / weights, by layer", {name: band(updates[layers]) for name, layers in networks.items()}),
        Panel("change of the samples / their norm", single(trained.of("change")), "frozen generator"),
        Panel(
            "distance between samples / between real images",
            single(trained.of("distance")),
            "mode collapse",
            log=False,
            level=(1.0, "real images"),
        ),
        Panel("predicted labels", labelled(trained.shares), "mode collapse", log=False),
        Panel("KL by dimension", dimensions(trained.of("kl")), "posterior collapse"),
    ]


def grouped(layers: list[str]) -> dict[str, list[str]]:
    """Return the layers of each network; more than a few networks are merged into one group."""
    networks: dict[str, list[str]] = {}
    for layer in layers:
        networks.setdefault(layer.partition(".")[0], []).append(layer)
    return networks if len(networks) <= FEW else {"all layers": layers}


def judged(history: pd.DataFrame) -> Curves:
    """Return the curve of D(G(z)), logged at each step."""
    if "D_fake" not in history:
        return {}
    return {"D(G(z))": losses.summary([history], ["D_fake"]).set_index("step").rename(columns={"mean": "line"})}


def labelled(shares: pd.DataFrame) -> Curves:
    """Return how evenly the predicted labels of a snapshot are distributed, and the share of the largest class."""
    table = shares.pivot(index="step", columns="label", values="share")
    return {"entropy (1: equal)": line(evenness(table)), "largest share": line(table.max(axis=1))}


def dimensions(table: pd.DataFrame) -> Curves:
    """Return a curve for each of a few dimensions; for many, the largest, the middle half and the smallest."""
    if table.shape[1] <= FEW:
        return {f"z{str(int(str(part)) + 1).translate(SUBSCRIPTS)}": line(table[part]) for part in table}
    low, middle, high = (table.quantile(share, axis=1) for share in (0.25, 0.5, 0.75))
    return {
        "largest": line(table.max(axis=1)),
        "middle half": thinned(pd.DataFrame({"line": middle, "low": low, "high": high})),
        "smallest": line(table.min(axis=1)),
    }


def single(table: pd.DataFrame) -> Curves:
    """Return the curves of a quantity of the samples as a whole."""
    return {str(part): line(table[part]) for part in table}


def line(values: pd.Series) -> pd.DataFrame:
    """Return a curve without a band."""
    return thinned(pd.DataFrame({"line": values}))


def band(parts: pd.DataFrame) -> pd.DataFrame:
    """Return a curve of the median over parts, with a band from the lowest to the highest."""
    return thinned(pd.DataFrame({"line": parts.median(axis=1), "low": parts.min(axis=1), "high": parts.max(axis=1)}))


def thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """Return at most `POINTS` rows, each the median of the same number of diagnostics."""
    block = pd.Series(np.arange(len(curve)) // per_point(len(curve)), curve.index)
    return curve.groupby(block).median().set_axis(curve.index.to_series().groupby(block).median())


def per_point(checks: int) -> int:
    """Return how many diagnostics one point of a line summarises."""
    return max(1, -(-checks // POINTS))


def draw(axes: Axes, panel: Panel) -> None:
    """Plot a panel's curves, with an axis that fits them."""
    axes.set_title(panel.title)
    values = np.concatenate([curve.to_numpy().ravel() for curve in panel.curves.values()])
    if panel.log:
        foot = style.log_axis(axes, values)
    else:
        foot = 0.0
        axes.set_ylim(-0.06, 1.1 * max(1, values.max()))
    looks = zip(style.SERIES[panel.first :], style.DASHES, strict=False)
    for (name, drawn), (colour, dashes) in zip(panel.curves.items(), looks, strict=False):
        curve = drawn.clip(lower=foot)
        marker = "o" if len(curve) == 1 else ""
        axes.plot(curve.index, curve["line"], color=colour, linestyle=dashes, marker=marker, label=name, linewidth=1.2)
        if "low" in curve and (curve["low"] < curve["high"]).any():
            axes.fill_between(curve.index, curve["low"], curve["high"], color=colour, alpha=0.2, linewidth=0)
    if panel.level:
        height, name = panel.level
        axes.axhline(height, color=style.MUTED, linewidth=1, linestyle="--", zorder=1)
        place = {"xytext": (-2, -2), "textcoords": "offset points", "ha": "right", "va": "top", "size": style.SMALL}
        axes.annotate(name, (1, height), xycoords=axes.get_yaxis_transform(), **place, gid="halo-level")
    if len(panel.curves) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, **style.TIGHT)


def mark(axes: Axes, alarms: Sequence[Alarm], gid: str) -> None:
    """Shade the steps of each alarm of one kind, and name the kind once, above the curves."""
    scale = axes.transScale
    (_, bottom), (_, top) = scale.transform([(1, limit) for limit in axes.get_ylim()])
    axes.set_ylim(top=scale.inverted().transform((1, top + 0.3 * (top - bottom)))[1])
    for alarm in alarms:
        axes.axvspan(alarm.first, alarm.last, facecolor=(style.OCHRE, 0.2), edgecolor=style.OCHRE, linewidth=0.8)
    first = alarms[0]
    late = first.first > 0.6 * axes.get_xlim()[1]  # then the name would not fit on the right
    step, side, gap = (first.last, "right", -3) if late else (first.first, "left", 3)
    place = {"xytext": (gap, -3), "textcoords": "offset points", "ha": side, "va": "top", "gid": gid}
    axes.annotate(f"alarm: {first.kind}", (step, 1), xycoords=axes.get_xaxis_transform(), **place)


def explained(trained: Trained) -> str:
    """Say what points and bands are."""
    checks = per_point(trained.checks["step"].nunique())
    points = f"point: median of {checks} diagnostics; " if checks > 1 else ""
    return f"{points}band: lowest to highest layer{', or iteration' if 'D_fake' in trained.history else ''}"
