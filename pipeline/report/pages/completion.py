"""Choose what the page on completion shows: how often a completed image keeps its label, and pictures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.report.inputs import Figure, Results
from pipeline.report.score_tables import Cell

NOTHING = "nothing"  # what is hidden of whole images


@dataclass(frozen=True)
class Completed:
    """Hold what one model makes of images with a hidden part."""

    name: str
    figure: Figure
    labels: Sequence[Cell | None]  # the share of completions that keep the label, by what is hidden
    nats: Sequence[Cell | None]  # the log-probability of the hidden pixels of an image, likewise
    exact: bool  # whether it draws from the distribution given the known pixels


@dataclass(frozen=True)
class CompletionPage:
    """Hold the models that complete images, those that do not, and what was hidden."""

    hidden: Sequence[str]
    whole: Cell | None  # the share of whole images whose label is right
    models: Sequence[Completed]
    without: Sequence[str]


def completion_page(results: Results) -> CompletionPage:
    """Choose the numbers, as means over seeds."""
    tables = {name: pd.concat(list(seeds)) for name, seeds in results.completions.items()}
    first = next(iter(tables.values()))
    hidden = [str(name) for name in dict.fromkeys(first["hidden"]) if name != NOTHING]
    return CompletionPage(
        hidden=hidden,
        whole=cell(first, "completion_label", NOTHING),
        models=[
            Completed(
                name,
                results.figures[f"{name}/completions.png"],
                [cell(table, "completion_label", each) for each in hidden],
                [cell(table, "hidden_nats", each) for each in hidden],
                "Marginal" in results.families[results.params.models[name].family].capabilities,
            )
            for name, table in tables.items()
        ],
        without=[name for name in results.params.models if name not in tables],
    )


def cell(table: pd.DataFrame, metric: str, hidden: str) -> Cell | None:
    """Return one number of a model, with its interval if there is one seed."""
    rows = table[(table["metric"] == metric) & (table["hidden"] == hidden)]
    if rows.empty:
        return None
    value, lower, upper = (float(rows[column].mean()) for column in ("value", "lower", "upper"))
    return Cell(value) if len(rows) > 1 or math.isnan(lower) else Cell(value, lower, upper)
