"""What the monitor measured while a model trained, with each alarm in the panels whose curves it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.analysis.alarms import Alarm, Trained, evenness
from pipeline.figures import losses, style

HEIGHT = 0.95  # inches, of a panel without its title
POINTS = 100  # of a line at most: medians of as many checks as that takes
FEW = 3  # networks, and dimensions of a code, up to which each has a line of its own
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

Curves = Mapping[str, pd.DataFrame]  # by name, with a row for each step: line and, if it has a band, low and high


@dataclass(frozen=True)
class Panel:
    """Curves with one axis, and the kind of alarm that is about them."""

    title: str
    curves: Curves
    alarm: str | None = None
    log: bool = True
    level: tuple[float, str] | None = None  # a value to compare with, and what it is
    first: int = 0  # colour, of the series


@style.look
def diagnostics(trained: Trained, alarms: Sequence[Alarm]) -> Figure:
    """One training, panel by panel, over its iterations and epochs."""
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
    """Top to bottom; those without curves are about what this model does not have."""
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
            "the generator’s, by its loss",
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
    """The layers of each network; of more than a few networks, all layers together."""
    networks: dict[str, list[str]] = {}
    for layer in layers:
        networks.setdefault(layer.partition(".")[0], []).append(layer)
    return networks if len(networks) <= FEW else {"all layers": layers}


def judged(history: pd.DataFrame) -> Curves:
    """The discriminator's opinion of fakes, logged at each step."""
    if "D_fake" not in history:
        return {}
    return {"D(G(z))": losses.summary([history], ["D_fake"]).set_index("step").rename(columns={"mean": "line"})}


def labelled(shares: pd.DataFrame) -> Curves:
    """How evenly the predicted labels of a snapshot's samples are spread, and the share of the commonest."""
    table = shares.pivot(index="step", columns="label", values="share")
    return {"entropy (1: equal)": line(evenness(table)), "largest share": line(table.max(axis=1))}


def dimensions(table: pd.DataFrame) -> Curves:
    """Each of a few dimensions; of many the largest, the middle half and the smallest at each check."""
    if table.shape[1] <= FEW:
        return {f"z{str(int(str(part)) + 1).translate(SUBSCRIPTS)}": line(table[part]) for part in table}
    low, middle, high = (table.quantile(share, axis=1) for share in (0.25, 0.5, 0.75))
    return {
        "largest": line(table.max(axis=1)),
        "middle half": thinned(pd.DataFrame({"line": middle, "low": low, "high": high})),
        "smallest": line(table.min(axis=1)),
    }


def single(table: pd.DataFrame) -> Curves:
    """A quantity of the samples alone."""
    return {str(part): line(table[part]) for part in table}


def line(values: pd.Series) -> pd.DataFrame:
    return thinned(pd.DataFrame({"line": values}))


def band(parts: pd.DataFrame) -> pd.DataFrame:
    """The middle one of the parts, and the lowest and the highest."""
    return thinned(pd.DataFrame({"line": parts.median(axis=1), "low": parts.min(axis=1), "high": parts.max(axis=1)}))


def thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """At most `POINTS` rows, each the median of as many."""
    block = pd.Series(np.arange(len(curve)) // per_point(len(curve)), curve.index)
    return curve.groupby(block).median().set_axis(curve.index.to_series().groupby(block).median())


def per_point(checks: int) -> int:
    """How many checks one point of a line stands for."""
    return max(1, -(-checks // POINTS))


def draw(axes: Axes, panel: Panel) -> None:
    """A panel's curves, and an axis that holds them."""
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
    """Shade the steps of each alarm of one kind, and name it once, above the curves."""
    scale = axes.transScale
    (_, bottom), (_, top) = scale.transform([(1, limit) for limit in axes.get_ylim()])
    axes.set_ylim(top=scale.inverted().transform((1, top + 0.3 * (top - bottom)))[1])
    for alarm in alarms:
        axes.axvspan(alarm.first, alarm.last, facecolor=(style.OCHRE, 0.2), edgecolor=style.OCHRE, linewidth=0.8)
    first = alarms[0]
    late = first.first > 0.6 * axes.get_xlim()[1]  # its name would not fit to the right
    step, side, gap = (first.last, "right", -3) if late else (first.first, "left", 3)
    place = {"xytext": (gap, -3), "textcoords": "offset points", "ha": side, "va": "top", "gid": gid}
    axes.annotate(f"alarm: {first.kind}", (step, 1), xycoords=axes.get_xaxis_transform(), **place)


def explained(trained: Trained) -> str:
    """What points and bands are."""
    checks = per_point(trained.checks["step"].nunique())
    points = f"point: median of {checks} checks; " if checks > 1 else ""
    return f"{points}band: lowest to highest layer{', or iteration' if 'D_fake' in trained.history else ''}"
