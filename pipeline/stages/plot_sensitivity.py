"""Try the metrics on images with known damage: the table of what each sees, and its picture."""

from pathlib import Path

import pandas as pd

from pipeline.analysis.sensitivity import disagreements
from pipeline.analysis.sensitivity import sensitivity_table as tried
from pipeline.core import artifacts
from pipeline.figures.sensitivity import heat_map
from pipeline.figures.style import svg
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.stages.cli import run


def main(
    *,
    score_files: list[Path],
    sensitivity_table: Path,
    sensitivity_picture: Path,
) -> None:
    table = tried(pd.concat([artifacts.read_table(path) for path in score_files], ignore_index=True))
    artifacts.write_table(sensitivity_table, table)
    metrics = [CATALOGUE[name] for name in table["metric"]]
    shown = table.assign(
        title=[metric.title for metric in metrics],
        question=[metric.question for metric in metrics],
        disagrees=table.index.isin(disagreements(table).index),
    )
    artifacts.write_bytes(sensitivity_picture, svg(heat_map(shown)))


if __name__ == "__main__":
    run(main)
