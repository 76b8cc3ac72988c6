"""Look up the scores of a run in its tables, and lay them out question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from pipeline.analysis.summary import by_draw
from pipeline.core.names import NOISE, SHOWN, TEST
from pipeline.metrics.base import Metric, Question
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.wording import QUESTIONS, SPACES, Asked, home

IMAGES, OBSERVATIONS = "images", "observations"  # a model's images, and draws from its observation model


@dataclass(frozen=True)
class Cell:
    """Hold one number of a table with its interval or range, or with the standard deviation between its draws."""

    value: float
    low: float | None = None
    high: float | None = None
    sd: float | None = None


@dataclass(frozen=True)
class Scored:
    """Hold one value of a table of scores.

    The best models are those that no other is significantly better than; if there are several, they are tied.
    """

    cell: Cell | None
    standing: Literal["best", "tied", ""]


@dataclass(frozen=True)
class Row:
    """Hold the values of a model or a baseline, in the order of the columns."""

    name: str
    values: Sequence[Scored]


@dataclass(frozen=True)
class Table:
    """Hold a table of scores; the columns are the spaces of each metric.

    The rows of `others` are not compared: draws of observation models, and baselines.
    """

    columns: Mapping[Metric, Sequence[str]]
    models: Sequence[Row]
    others: Sequence[Row]

    @property
    def spaces(self) -> list[str]:
        """Return the different spaces."""
        return list(dict.fromkeys(space for spaces in self.columns.values() for space in spaces))

    @property
    def places(self) -> list[tuple[Metric, str]]:
        """Return the metric and the space of each value of a row."""
        return [(metric, space) for metric, spaces in self.columns.items() for space in spaces]


@dataclass(frozen=True)
class Unfit:
    """Hold why models are not ranked by a score in this run."""

    metric: Metric
    space: str
    reason: str


@dataclass(frozen=True)
class ScoreTable:
    """Hold all scores of one question."""

    question: Question
    asked: Asked
    scores: Table
    unfit: Sequence[Unfit]


class Summary:
    """Look up rows of summary.csv by model, metric, space and set."""

    def __init__(self, table: pd.DataFrame) -> None:
        keys = table[["model", "set", "metric", "space"]].itertuples(index=False, name=None)
        self.rows = dict(zip(keys, table.to_dict("records"), strict=True))
        self.spaces = {(metric, space) for _, _, metric, space in self.rows}
        self.sources = {(model, drawn) for model, drawn, metric, _ in self.rows if metric in CATALOGUE}

    def cell(self, model: str, metric: str, space: str | None = None, drawn: str = IMAGES) -> Cell | None:
        """Return the mean over seeds with its interval; with one seed, its standard deviation between draws instead."""
        row = self.rows.get((model, drawn, metric, home(metric) if space is None else space))
        if row is None or pd.isna(row["value"]):
            return None
        if pd.notna(row["lower"]):
            varies = row["lower"] < row["upper"]
            return Cell(row["value"], row["lower"], row["upper"]) if varies else Cell(row["value"])
        return Cell(row["value"], sd=row["sd_draws"] if row["sd_draws"] > 0 else None)


class Measured:
    """Look up rows of metrics.csv that the summary leaves out: single seeds and single classes."""

    def __init__(self, metrics: pd.DataFrame) -> None:
        self.drawn = dict(list(by_draw(metrics).groupby(["model", "set", "metric", "space"])))
        classes = metrics[(metrics["metric"] == "share") & (metrics["set"] == IMAGES)]
        self.shares = dict(list(classes.groupby(["model", "label"])))

    def by_seed(self, model: str, metric: str, drawn: str = IMAGES) -> dict[int, float]:
        """Return the mean over the draws of each seed."""
        rows = self.drawn.get((model, drawn, metric, home(metric)))
        if rows is None:
            return {}
        means = rows.groupby("seed")["value"].mean()
        return dict(zip(means.index, means, strict=True))

    def share(self, model: str, label: int) -> Cell | None:
        """Return how often a class was predicted, with its range over seeds or draws, or the interval of one draw."""
        rows = self.shares.get((model, label))
        if rows is None:
            return None
        means = rows.groupby("seed")["value"].mean()
        several = means if len(means) > 1 else rows["value"]
        if len(several) > 1:
            return Cell(means.mean(), several.min(), several.max())
        return Cell(means.mean(), rows["lower"].iloc[0], rows["upper"].iloc[0])


def score_tables(
    summary: Summary, ranks: pd.DataFrame, verdicts: pd.DataFrame, models: Sequence[str]
) -> list[ScoreTable]:
    """Return one table for each question that was measured."""
    tables = []
    reasons = verdicts[verdicts["unfit"] != ""].drop_duplicates(["metric", "space"])
    for question, asked in QUESTIONS.items():
        columns = {metric: spaces for metric in CATALOGUE.values() if (spaces := measured(metric, question, summary))}
        if columns:
            unfit = [
                Unfit(CATALOGUE[metric], space, reason)
                for asking, metric, space, reason in reasons[["question", "metric", "space", "unfit"]].to_numpy()
                if asking == question
            ]
            tables.append(ScoreTable(question, asked, laid_out(columns, summary, ranks, models), unfit))
    return tables


def headlines(summary: Summary, ranks: pd.DataFrame, models: Sequence[str]) -> Table:
    """Return one column for each question, with real images and noise as the only baselines.

    The column is the first metric of the catalogue that all models have: a primary score, if the question has any. If
    there is no such metric, it is the first that some models have.
    """
    columns = {}
    for question in QUESTIONS:
        asking = [metric for metric in CATALOGUE.values() if measured(metric, question, summary)]
        of_all = [metric for metric in asking if all(summary.cell(name, metric.name) for name in models)]
        if chosen := of_all or asking:
            columns[chosen[0]] = [home(chosen[0].name)]
    table = laid_out(columns, summary, ranks, models)
    return replace(table, others=[row for row in table.others if row.name in (TEST, NOISE)])


def measured(metric: Metric, question: Question, summary: Summary) -> list[str]:
    """Return the spaces in which a metric was measured; none if it belongs to another question."""
    return [space for space in SPACES if metric.question == question and (metric.name, space) in summary.spaces]


def laid_out(
    columns: Mapping[Metric, Sequence[str]], summary: Summary, ranks: pd.DataFrame, models: Sequence[str]
) -> Table:
    """Return the values of all sources in these columns."""
    standings = {key: leaders(table) for key, table in ranks.groupby(["metric", "space"])}
    places = [(metric.name, space) for metric, spaces in columns.items() for space in spaces]
    compared = [
        Row(name, [Scored(summary.cell(name, *at), standings.get(at, {}).get(name, "")) for at in places])
        for name in models
    ]
    beside = [(name, OBSERVATIONS) for name in models] + [(name, IMAGES) for name in SHOWN]
    others = [
        Row(name, [Scored(summary.cell(name, *at, drawn), "") for at in places])
        for name, drawn in beside
        if (name, drawn) in summary.sources
    ]
    return Table(columns, compared, others)


def leaders(ranks: pd.DataFrame) -> dict[str, Literal["best", "tied", ""]]:
    """Return the leading models of one metric in one space: those that no other model is significantly better than.

    A single model leads nothing.
    """
    first = ranks.loc[ranks["best"] == 1, "model"]
    if len(ranks) < 2:
        return {}
    return dict.fromkeys(first, "best" if len(first) == 1 else "tied")
