"""Gather the scores of all sources in one table, and the selection that `dvc metrics` shows."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="compare", description=__doc__)
    cli.add_argument("--measures", type=Path, nargs="+", required=True)
    cli.add_argument("--table", type=Path, required=True)
    cli.add_argument("--selection", type=Path, required=True)
    args = cli.parse_args(argv)

    table = pd.concat([artifacts.read_table(path) for path in args.measures])
    artifacts.write_table(args.table, table.astype({"label": "Int64", "n": "Int64"}))
    artifacts.write_json(args.selection, selection(table))


def selection(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Each model's metrics, without those of single classes, as means over the seeds."""
    chosen = table[(table["set"] == "images") & table["label"].isna()]
    means = chosen.groupby(["model", "metric"], sort=False, as_index=False)["value"].mean()
    nested: dict[str, dict[str, float]] = {}
    for model, metric, value in means.itertuples(index=False):
        nested.setdefault(str(model), {})[str(metric)] = float(f"{value:.9g}")
    return nested


if __name__ == "__main__":
    run(main)
