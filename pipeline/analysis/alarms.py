"""Find signs of a failing training run in what it logged.

Each rule is a function whose docstring states the rule. The report shows these docstrings.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

IN_A_ROW = 3  # diagnostics at which a sign must appear, where a single one could be chance
WINDOW = 2000  # steps in which to look for an oscillation
PERIODS = (20, 500)  # shortest and longest period of an oscillation, in steps
FLUTTER = 0.01  # standard deviation of a probability below which an oscillation does not matter


@dataclass(frozen=True)
class Trained:
    """Hold what a training run logged. A table lacks the rows of quantities that the model does not have."""

    history: pd.DataFrame  # step, epoch, and each logged quantity
    checks: pd.DataFrame  # step, quantity, part, value: see pipeline/training/monitor.py
    shares: pd.DataFrame  # step, label, share: the share of each predicted label among the samples of a snapshot

    def of(self, quantity: str) -> pd.DataFrame:
        """Return one quantity of the diagnostics: a row for each step, a column for each part."""
        chosen = self.checks[self.checks["quantity"] == quantity]
        return chosen.pivot(index="step", columns="part", values="value")

    def gradient(self, network: str) -> pd.Series:
        """Return the norm of the gradient of a whole network, by step."""
        layers = self.of("gradient")
        mine = layers[[layer for layer in layers if str(layer).partition(".")[0] == network]]
        return mine.pow(2).sum(axis=1).pow(0.5)

    def between_checks(self, column: str, statistic: Callable | str) -> pd.Series:
        """Return a statistic of a logged column over the steps since the previous diagnostic; empty if not logged."""
        if column not in self.history:
            return pd.Series(dtype=float)
        checked = np.sort(self.checks["step"].unique())
        block = np.searchsorted(checked, self.history["step"])
        within = block < len(checked)
        grouped = self.history[column][within].groupby(checked[block[within]])
        return grouped.agg(statistic).rename_axis("step")

    @property
    def first_epoch(self) -> int:
        """Return the last step of the first epoch. Before it, every model looks as if it had failed in some way."""
        return int((self.history["epoch"] == 1).sum())


@dataclass(frozen=True)
class Alarm:
    """Describe one alarm: a rule that fires at consecutive diagnostics, from the first to the last step."""

    kind: str
    first: int  # step
    last: int
    lasting: bool  # whether it lasts to the end of the training run
    evidence: str  # the quantities of the rule at the first step


def vanishing_gradient(trained: Trained) -> pd.DataFrame:
    """The discriminator D is nearly perfect: since the previous diagnostic, the median of D(G(z)) is below 0.001 and D
    classifies at least 99.5 % of all images correctly. At the same time, the norm of the generator's gradient is below
    a hundredth of its largest value so far.
    """
    table = pd.DataFrame({
        "D(G(z))": trained.between_checks("D_fake", "median"),
        "judged right": trained.between_checks("D_right", "mean"),
        "gradient": trained.gradient("generator"),
    })  # fmt: skip
    table["of the largest"] = table["gradient"] / table["gradient"].cummax()
    fires = (table["D(G(z))"] < 1e-3) & (table["judged right"] >= 0.995) & (table["of the largest"] < 1e-2)
    return table.assign(fires=fires)


def frozen_generator(trained: Trained) -> pd.DataFrame:
    """At three diagnostics in a row, the samples of fixed noise have changed since the previous one by less than a
    hundredth of their norm. At the same time, the generator's loss changes by less than 0.001 nats a step.
    """
    loss = trained.between_checks("generator_loss", slope)
    table = pd.DataFrame({"moved": trained.of("change").get("samples"), "slope of the loss": loss})
    return table.assign(fires=in_a_row((table["moved"] < 1e-2) & (table["slope of the loss"].abs() < 1e-3)))


def mode_collapse(trained: Trained) -> pd.DataFrame:
    """After the first epoch, one of two signs appears at three diagnostics in a row. Either the entropy of the samples'
    predicted labels is less than a third of that of equal shares (two classes of ten have 0.30). Or the mean distance
    between samples is less than a quarter of that between real images.
    """
    shares = trained.shares.pivot(index="step", columns="label", values="share")
    columns = {"entropy of labels": evenness(shares), "distance": trained.of("distance").get("samples")}
    table = pd.DataFrame(columns, dtype=float)
    table = table[table.index > trained.first_epoch]
    labelled = table["entropy of labels"].dropna()  # not every diagnostic has a snapshot
    few_labels = in_a_row(labelled < 1 / 3).reindex(table.index, method="ffill", fill_value=False)
    return table.assign(fires=few_labels | in_a_row(table["distance"] < 0.25))


def oscillation(trained: Trained) -> pd.DataFrame:
    """After the first epoch, D(G(z)) without its trend oscillates within a window of 2,000 steps. The period is 20 to
    500 steps, and the standard deviation is at least 0.01. The autocorrelation is below -0.3 after half a period and
    above 0.3 after a whole period.
    """
    columns = ["period", "correlation", "fires"]
    if "D_fake" not in trained.history:
        return pd.DataFrame(columns=columns)
    later = trained.history[trained.history["step"] > trained.first_epoch]
    rows = {}
    for start in range(0, len(later) - WINDOW + 1, WINDOW):
        window = later.iloc[start : start + WINDOW]
        lag, strength = period(window["D_fake"].to_numpy())
        rows[int(window["step"].iloc[-1])] = (lag, strength, strength > 0.3)
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def posterior_collapse(trained: Trained) -> pd.DataFrame:
    """After the first epoch, one of two signs appears at three diagnostics in a row. Either fewer than a tenth of the
    code's dimensions are active (variance over images of the posterior mean above 0.01). Or fewer than a tenth carry
    information about the image (KL divergence above 0.01 nats).
    """
    active, nats = ((trained.of(quantity) > 0.01).mean(axis=1) for quantity in ("variance", "kl"))
    table = pd.DataFrame({"active": active, "with information": nats})
    table = table[table.index > trained.first_epoch]
    return table.assign(fires=in_a_row((table["active"] < 0.1) | (table["with information"] < 0.1)))


RULES = (vanishing_gradient, frozen_generator, mode_collapse, oscillation, posterior_collapse)


def find(trained: Trained) -> list[Alarm]:
    """Return all alarms, in the order of the rules and then of the steps."""
    return [alarm for rule in RULES for alarm in alarms(rule.__name__, rule(trained))]


def alarms(kind: str, table: pd.DataFrame) -> list[Alarm]:
    """Return one alarm for each run of consecutive diagnostics at which the rule fires."""
    fires = table["fires"].astype(bool)
    runs = table[fires].groupby((~fires).cumsum()[fires])
    return [
        Alarm(
            kind.replace("_", " "),
            int(run.index[0]),
            int(run.index[-1]),
            bool(run.index[-1] == table.index[-1]),
            ", ".join(f"{name} {value:.2g}" for name, value in run.iloc[0].drop("fires").dropna().items()),
        )
        for _, run in runs
    ]


def in_a_row(fires: pd.Series) -> pd.Series:
    """Return whether each diagnostic is the third or later one in a row at which a sign appears."""
    return fires.rolling(IN_A_ROW).sum().eq(IN_A_ROW)


def evenness(shares: pd.DataFrame) -> pd.Series:
    """Return the entropy of each row of shares, divided by the entropy of equal shares: 0 to 1."""
    return (shares * -np.log(shares.where(shares > 0, 1))).sum(axis=1).abs() / np.log(max(2, shares.shape[1]))


def slope(values: pd.Series) -> float:
    """Return the slope of the least-squares line through the values, per step."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0]) if len(values) > 1 else 0.0


def period(values: np.ndarray) -> tuple[int, float]:
    """Return the lag within `PERIODS` at which the values return most strongly, and the strength of this return.

    Without the trend, let r be the autocorrelation. The strength at a lag l is min(r(l), -r(l / 2)). A series whose
    standard deviation is below `FLUTTER` gives (0, 0).
    """
    # Remove the linear trend.
    # Remove the linear trend.
    steps = np.arange(len(values))
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    if rest.std() < FLUTTER:
        return 0, 0.0

    # Autocorrelation by the Fourier transform (Wiener-Khinchin), without bias for the shorter overlap at long lags.

    # Autocorrelation by the Fourier transform (Wiener-Khinchin), without bias for the shorter overlap at long lags.
    spectrum = np.fft.rfft(rest, 2 * len(rest))
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: len(rest)]
    correlation = correlation / correlation[0] * len(rest) / np.arange(len(rest), 0, -1)

    # Choose the lag at which a whole period correlates and half a period anticorrelates.

    # Choose the lag at which a whole period correlates and half a period anticorrelates.
    lags = np.arange(PERIODS[0], PERIODS[1] + 1)
    strength = np.minimum(correlation[lags], -correlation[lags // 2])
    best = int(strength.argmax())
    return int(lags[best]), max(0.0, float(strength[best]))
