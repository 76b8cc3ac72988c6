"""Collect the scores of all sources in one table, summarise them, and compare the models."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.analysis.gates import gates
from pipeline.analysis.seed_spread import read_spreads
from pipeline.analysis.summary import by_draw, check_digests, summarise, trainings
from pipeline.analysis.verdicts import ranks, verdicts
from pipeline.core import artifacts
from pipeline.core.names import TEST
from pipeline.metrics.likelihood import OF_SUPPORT
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
    families: dict,
    spread_file: Path,
    probability_files: list[Path],
    about_files: list[Path],
    table_file: Path,
    summary_file: Path,
    gates_file: Path,
    verdicts_file: Path,
    ranks_file: Path,
    selection_file: Path,
) -> None:
    """Write the tables of the comparison.

    Args:
        score_files: the scores of each source, of every stage that measures.
        families: the family of each model to compare, in the order of params.yaml, as JSON.
        spread_file: how much each score varies between trainings of a family.
        probability_files: the log-probabilities of test images, of each model and seed that has them.
        about_files: what kind of numbers these are, in the same order.
        table_file: to write: all scores, one per row.
        summary_file: to write: each score over draws and seeds.
        gates_file: to write: which models fail, because they do not beat noise or copy their training images.
        verdicts_file: to write: the comparison of each pair of models, by each score.
        ranks_file: to write: the rank of each model, by each score.
        selection_file: to write: the few scores that `dvc metrics` shows.
    """
    table = pd.concat([artifacts.read_table(path) for path in score_files], ignore_index=True)
    check_digests(table)
    models = list(families)
    spreads = read_spreads(artifacts.read_table(spread_file))
    summary, found = summarise(table), verdicts(table, families, spreads, probabilities(probability_files, about_files))
    artifacts.write_table(table_file, table.astype({"draw": "Int64", "label": "Int64", "n": "Int64"}))
    artifacts.write_table(summary_file, summary)
    artifacts.write_table(gates_file, gates(trainings(by_draw(table)), models))
    artifacts.write_table(verdicts_file, found)
    artifacts.write_table(ranks_file, ranks(found))
    artifacts.write_json(selection_file, selection(summary, models))


def probabilities(files: Sequence[Path], abouts: Sequence[Path]) -> dict[str, dict[str, list[pd.DataFrame]]]:
    """Return the log-probabilities of each seed, by score and model; the model is the name of the folder."""
    found: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for file, about in zip(files, abouts, strict=True):
        metric = OF_SUPPORT[artifacts.read_json(about)["support"]]
        found.setdefault(metric, {}).setdefault(file.parent.name, []).append(artifacts.read_table(file))
    return found


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
