"""Plot how often each class is predicted, beside its share in the training data."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pipeline.figures import style


@style.look
def classes(
    shares: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    reference: np.ndarray,
    class_names: Sequence[str],
    reference_name: str = "training data",
) -> Figure:
    """Plot bars of shares (K,), whiskers from lower to upper (K,) and markers at the reference (K,), all in 0..1."""
    count = len(class_names)
    row = 0.3 if count <= 20 else 0.19  # inches
    size = (style.WIDTH, row * count + 0.95)
    figure = Figure(figsize=size, layout="constrained", label="Share of each predicted class")
    axes = figure.subplots()
    places, meaning = np.arange(count), "predicted, with 95 % interval"
    bars = {"color": (style.BLUE, 0.35), "edgecolor": style.BLUE, "linewidth": 0.6}
    axes.barh(places, shares, 0.62, label=meaning, **bars)
    whiskers = np.clip([shares - lower, upper - shares], 0, None)
    axes.errorbar(shares, places, xerr=whiskers, fmt="none", ecolor=style.BLUE, elinewidth=1.6)
    marks = {"markersize": 6 if count <= 20 else 4, "color": style.VERMILLION, "label": reference_name}
    axes.plot(reference, places, "D", **marks)
    axes.set_yticks(places, class_names)
    axes.tick_params(axis="y", left=False, labelsize=style.NORMAL if count <= 20 else style.SMALL)
    axes.grid(axis="y", visible=False)
    axes.set(xlim=(0, 1.06 * max(upper.max(), reference.max())), ylim=(count - 0.4, -0.6), xlabel="share")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.6g} %"))
    figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2, reverse=True)
    return figure
