"""Try the metrics on images with known damage: the table of what each sees, and its picture."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts
from pipeline.figures.ladder import heat_map
from pipeline.figures.style import svg
from pipeline.ladder import disagreements, ladder
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_ladder", description=__doc__)
    cli.add_argument("--measures", type=Path, nargs="+", required=True, help="of the test images and of each rung")
    cli.add_argument("--table", type=Path, required=True)
    cli.add_argument("--figure", type=Path, required=True)
    args = cli.parse_args(argv)
    table = ladder(pd.concat([artifacts.read_table(path) for path in args.measures], ignore_index=True))
    artifacts.write_table(args.table, table)
    metrics = [CATALOGUE[name] for name in table["metric"]]
    shown = table.assign(
        title=[metric.title for metric in metrics],
        question=[metric.question for metric in metrics],
        disagrees=table.index.isin(disagreements(table).index),
    )
    artifacts.write_bytes(args.figure, svg(heat_map(shown)))


if __name__ == "__main__":
    run(main)
