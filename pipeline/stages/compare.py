"""Gather the scores of all sources: in one table, in short, as verdicts and ranks, and what `dvc metrics` shows."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts
from pipeline.stages import run
from pipeline.summary import FLOOR, check_digests, summarise
from pipeline.verdicts import ranks, verdicts

SELECTED = (
    *("fd_percent", "precision", "nearest_neighbour_accuracy"),
    *("recall", "coverage", "ndb"),
    *("label_distance", "ambiguous"),
    *("copying", "authenticity"),
    *("sharpness_ratio", "spectrum_distance"),
    *("seconds", "images_seen", "parameters", "test_loss"),
)
SPACES = ("random", "pixels", "")


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="compare", description=__doc__)
    cli.add_argument("--measures", type=Path, nargs="+", required=True)
    cli.add_argument("--models", nargs="+", required=True, help="to compare, in this order; other sources are rulers")
    cli.add_argument("--table", type=Path, required=True)
    cli.add_argument("--summary", type=Path, required=True)
    cli.add_argument("--verdicts", type=Path, required=True)
    cli.add_argument("--ranks", type=Path, required=True)
    cli.add_argument("--selection", type=Path, required=True)
    args = cli.parse_args(argv)

    table = pd.concat([artifacts.read_table(path) for path in args.measures], ignore_index=True)
    check_digests(table)
    summary, found = summarise(table), verdicts(table, args.models)
    artifacts.write_table(args.table, table.astype({"draw": "Int64", "label": "Int64", "n": "Int64"}))
    artifacts.write_table(args.summary, summary)
    artifacts.write_table(args.verdicts, found)
    artifacts.write_table(args.ranks, ranks(found))
    artifacts.write_json(args.selection, selection(summary, args.models))


def selection(summary: pd.DataFrame, models: Sequence[str]) -> dict[str, dict[str, float]]:
    """What is short enough to be read after each change: a few metrics of the models and of the real test images.

    Of each question two or three metrics that go about it in different ways, and what each training cost. Those of
    features are given in the space of the random networks: these have learned nothing, so there is no damage that they
    have learned to look past, as the label predictor looks past blur.
    """
    chosen = summary[
        summary["model"].isin([*models, FLOOR])
        & (summary["set"] == "images")
        & summary["metric"].isin(SELECTED)
        & summary["space"].isin(SPACES)
    ].dropna(subset="value")
    nested: dict[str, dict[str, float]] = {}
    for model, metric, value in chosen[["model", "metric", "value"]].itertuples(index=False):
        nested.setdefault(str(model), {})[str(metric)] = float(f"{value:.9g}")
    return nested


if __name__ == "__main__":
    run(main)
