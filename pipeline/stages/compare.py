"""Collect the scores of all sources in one table, summarise them, and compare the models by verdicts and ranks."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.analysis.summary import check_digests, summarise
from pipeline.analysis.verdicts import ranks, verdicts
from pipeline.core import artifacts
from pipeline.core.names import TEST
from pipeline.stages.cli import run

SELECTED = (
    *("fd_percent", "precision", "nearest_neighbour_accuracy"),
    *("recall", "coverage", "ndb"),
    *("label_distance", "ambiguous"),
    *("copying", "authenticity"),
    *("sharpness_ratio", "spectrum_distance"),
    *("seconds", "images_seen", "parameters", "test_loss"),
)
SPACES = ("random", "pixels", "")


def main(
    *,
    score_files: list[Path],
    models: list[str],
    table_file: Path,
    summary_file: Path,
    verdicts_file: Path,
    ranks_file: Path,
    selection_file: Path,
) -> None:
    """Write the tables of the comparison.

    Args:
        score_files: the scores of each source, of every stage that measures.
        models: the models to compare, in the order of params.yaml.
        table_file: to write: all scores, one per row.
        summary_file: to write: each score over draws and seeds.
        verdicts_file: to write: the comparison of each pair of models, by each score.
        ranks_file: to write: the rank of each model, by each score.
        selection_file: to write: the few scores that `dvc metrics` shows.
    """
    table = pd.concat([artifacts.read_table(path) for path in score_files], ignore_index=True)
    check_digests(table)
    summary, found = summarise(table), verdicts(table, models)
    artifacts.write_table(table_file, table.astype({"draw": "Int64", "label": "Int64", "n": "Int64"}))
    artifacts.write_table(summary_file, summary)
    artifacts.write_table(verdicts_file, found)
    artifacts.write_table(ranks_file, ranks(found))
    artifacts.write_json(selection_file, selection(summary, models))


def selection(summary: pd.DataFrame, models: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return a few metrics of the models and of the real test images: short enough to be read after each change.

    There are two or three metrics of each question, which measure it in different ways, and the cost of each training.
    Metrics on features are in the space of the random networks. These have learned nothing, so they have not learned to
    ignore any damage, as the classifier has learned to ignore blur.
    """
    chosen = summary[
        summary["model"].isin([*models, TEST])
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
