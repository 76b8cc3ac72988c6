"""Check the sensitivity of the metrics to known corruptions, and plot which of them each metric sees."""

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
    """Write the table of the sensitivity check, and its plot.

    Args:
        score_files: the scores of the real test images and of each corruption.
        sensitivity_table: to write: a row per metric and space.
        sensitivity_picture: to write.
    """
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
