"""Plot the generator's gradient against a winning discriminator (Arjovsky & Bottou, 2017, Figures 2 and 3)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.figures import style

LOSSES = {"saturating": "saturating", "nonsaturating": "non-saturating"}  # column -> name in the legend


@style.look
def gradients(experiments: Sequence[pd.DataFrame]) -> Figure:
    """Plot the norms of the gradients and D(G(z)) by the steps of a fresh discriminator, with a line for each seed."""
    size = (style.WIDTH, 4.4)
    figure = Figure(figsize=size, layout="constrained", label="The generator's gradient against a fresh discriminator")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1.2))
    foot = style.log_axis(above, np.concatenate([table[list(LOSSES)].to_numpy().ravel() for table in experiments]))
    for (column, name), colour, dashes in zip(LOSSES.items(), style.SERIES[2:], style.DASHES, strict=False):
        for table in experiments:
            norms = table[column].clip(lower=foot)
            above.plot(table["step"], norms, color=colour, linestyle=dashes, linewidth=1, label=name)
            name = None  # only the first seed's line has a legend entry
    foot = style.log_axis(below, np.concatenate([table["D_fake"].to_numpy() for table in experiments]))
    for table in experiments:
        below.plot(table["step"], table["D_fake"].clip(lower=foot), color=style.BLUE, linewidth=1)
    above.set_title("norm of the gradient")
    below.set_title("D(G(z))")
    below.set(xlim=(0, experiments[0]["step"].iloc[-1]), xlabel="steps of the discriminator")
    above.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, **style.TIGHT)
    if len(experiments) > 1:
        figure.supxlabel("one line for each seed", size=style.SMALL, color=style.MUTED)
    return figure
