"""Signs that a training has died, found in what it logged. Each rule is a function whose docstring states it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

IN_A_ROW = 3  # checks at which a sign must show, where one check could be chance
WINDOW = 2000  # steps in which an oscillation is looked for
PERIODS = (20, 500)  # steps
FLUTTER = 0.01  # standard deviation of a probability below which its ups and downs do not matter


@dataclass(frozen=True)
class Trained:
    """What a training left behind. Tables of a model that lacks a quantity just lack its rows."""

    history: pd.DataFrame  # step, epoch, and each logged quantity
    checks: pd.DataFrame  # step, quantity, part, value: see pipeline/monitor.py
    shares: pd.DataFrame  # step, label, share: of each predicted class among a snapshot's samples

    def of(self, quantity: str) -> pd.DataFrame:
        """A quantity of the checks: a row for each step, a column for each part."""
        chosen = self.checks[self.checks["quantity"] == quantity]
        return chosen.pivot(index="step", columns="part", values="value")

    def gradient(self, network: str) -> pd.Series:
        """The norm of the whole network's gradient, by step."""
        layers = self.of("gradient")
        mine = layers[[layer for layer in layers if str(layer).partition(".")[0] == network]]
        return mine.pow(2).sum(axis=1).pow(0.5)

    def between_checks(self, column: str, statistic: Callable | str) -> pd.Series:
        """A statistic of what was logged at each step since the check before; no rows if it was not logged."""
        if column not in self.history:
            return pd.Series(dtype=float)
        checked = np.sort(self.checks["step"].unique())
        block = np.searchsorted(checked, self.history["step"])
        within = block < len(checked)
        grouped = self.history[column][within].groupby(checked[block[within]])
        return grouped.agg(statistic).rename_axis("step")

    @property
    def first_epoch(self) -> int:
        """Its last step. Before it, every model looks dead in some respect."""
        return int((self.history["epoch"] == 1).sum())


@dataclass(frozen=True)
class Alarm:
    """One sign, from its first to its last step in a row."""

    kind: str
    first: int  # step
    last: int
    lasting: bool  # to the end of the training
    evidence: str  # the quantities of its rule at the first step


def vanishing_gradient(trained: Trained) -> pd.DataFrame:
    """Since the last check D took fakes for fakes (the median of D(G(z)) is below 0.001), judged at least 99.5 % of all
    images right, and the generator's gradient is below a hundredth of the largest it has been."""
    table = pd.DataFrame({
        "D(G(z))": trained.between_checks("D_fake", "median"),
        "judged right": trained.between_checks("D_right", "mean"),
        "gradient": trained.gradient("generator"),
    })  # fmt: skip
    table["of the largest"] = table["gradient"] / table["gradient"].cummax()
    fires = (table["D(G(z))"] < 1e-3) & (table["judged right"] >= 0.995) & (table["of the largest"] < 1e-2)
    return table.assign(fires=fires)


def frozen_generator(trained: Trained) -> pd.DataFrame:
    """At three checks in a row the samples of fixed noise moved by less than a hundredth of their norm, while the
    generator's loss changed by less than 0.001 nats a step."""
    loss = trained.between_checks("generator_loss", slope)
    table = pd.DataFrame({"moved": trained.of("change").get("samples"), "slope of the loss": loss})
    return table.assign(fires=in_a_row((table["moved"] < 1e-2) & (table["slope of the loss"].abs() < 1e-3)))


def mode_collapse(trained: Trained) -> pd.DataFrame:
    """After the first epoch, at three checks in a row: the predicted labels of the samples have less than a third of
    the entropy of equal shares (two classes of ten have 0.30), or the mean distance between samples is below a
    quarter of that between real images."""
    shares = trained.shares.pivot(index="step", columns="label", values="share")
    columns = {"entropy of labels": evenness(shares), "distance": trained.of("distance").get("samples")}
    table = pd.DataFrame(columns, dtype=float)
    table = table[table.index > trained.first_epoch]
    labelled = table["entropy of labels"].dropna()  # not every check has a snapshot
    few_labels = in_a_row(labelled < 1 / 3).reindex(table.index, method="ffill", fill_value=False)
    return table.assign(fires=few_labels | in_a_row(table["distance"] < 0.25))


def oscillation(trained: Trained) -> pd.DataFrame:
    """After the first epoch, within 2,000 steps: D(G(z)), less its trend, goes to and fro by more than 0.01 with a
    period of 20 to 500 steps. Its autocorrelation is below -0.3 half a period on and above 0.3 a period on."""
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
    """After the first epoch, at three checks in a row, fewer than a tenth of the code's dimensions are active (the
    variance of their mean over images is above 0.01), or as many say something of the image (a KL above 0.01 nats)."""
    active, nats = ((trained.of(quantity) > 0.01).mean(axis=1) for quantity in ("variance", "kl"))
    table = pd.DataFrame({"active": active, "with information": nats})
    table = table[table.index > trained.first_epoch]
    return table.assign(fires=in_a_row((table["active"] < 0.1) | (table["with information"] < 0.1)))


RULES = (vanishing_gradient, frozen_generator, mode_collapse, oscillation, posterior_collapse)


def find(trained: Trained) -> list[Alarm]:
    """All alarms, in the order of the rules and then of the steps."""
    return [alarm for rule in RULES for alarm in alarms(rule.__name__, rule(trained))]


def alarms(kind: str, table: pd.DataFrame) -> list[Alarm]:
    """One for each run of steps at which the rule fires."""
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
    """True from the third of three checks in a row on."""
    return fires.rolling(IN_A_ROW).sum().eq(IN_A_ROW)


def evenness(shares: pd.DataFrame) -> pd.Series:
    """The entropy of each row's shares, relative to that of equal ones: 0 to 1."""
    return (shares * -np.log(shares.where(shares > 0, 1))).sum(axis=1).abs() / np.log(max(2, shares.shape[1]))


def slope(values: pd.Series) -> float:
    """Of the line through them, per step."""
    return float(np.polyfit(np.arange(len(values)), values, 1)[0]) if len(values) > 1 else 0.0


def period(values: np.ndarray) -> tuple[int, float]:
    """The lag within `PERIODS` of the strongest return, and its strength: the smaller of the autocorrelation there
    and of its negative half-way there. (0, 0) for a series that hardly moves."""
    steps = np.arange(len(values))
    rest = values - np.polyval(np.polyfit(steps, values, 1), steps)
    if rest.std() < FLUTTER:
        return 0, 0.0
    spectrum = np.fft.rfft(rest, 2 * len(rest))
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: len(rest)]
    correlation = correlation / correlation[0] * len(rest) / np.arange(len(rest), 0, -1)
    lags = np.arange(PERIODS[0], PERIODS[1] + 1)
    strength = np.minimum(correlation[lags], -correlation[lags // 2])
    best = int(strength.argmax())
    return int(lags[best]), max(0.0, float(strength[best]))
