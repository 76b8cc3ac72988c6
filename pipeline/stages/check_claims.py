"""Judge the paper's claims by the results of this run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from pipeline.analysis.claim_inputs import BySeed, Inputs, clear_confidence, loss_correlation, neighbour_hits
from pipeline.analysis.claims import judge_claims
from pipeline.analysis.paper_claims import CLAIMS
from pipeline.analysis.seed_spread import read_spreads
from pipeline.analysis.verdicts import TEXTS
from pipeline.core import artifacts
from pipeline.core.names import TEST
from pipeline.core.params import Samples
from pipeline.stages.cli import run

T = TypeVar("T")


def main(
    *,
    samples: Samples,
    metrics_file: Path,
    summary_file: Path,
    verdicts_file: Path,
    spread_file: Path,
    record_files: list[Path],
    alarm_files: list[Path],
    gradient_files: list[Path],
    label_files: list[Path],
    history_files: list[Path],
    snapshot_label_files: list[Path],
    latent_files: list[Path],
    claims_file: Path,
) -> None:
    """Write the verdict on each claim. Files in lists lie at `<model>/<seed>.*`; any list may be empty.

    Args:
        samples: the section of params.yaml, as JSON.
        metrics_file: all scores, one per row.
        summary_file: the scores in short.
        verdicts_file: the comparison of each pair of models.
        spread_file: how much each score varies between trainings of a family.
        record_files: the training records.
        alarm_files: the alarms of each training.
        gradient_files: the experiments with a fresh discriminator.
        label_files: the predicted labels of samples.
        history_files: the logged terms of each training step.
        snapshot_label_files: the shares of predicted labels during training.
        latent_files: the latent spaces of autoencoders.
        claims_file: to write.
    """
    metrics = artifacts.read_table(metrics_file)
    records = by_seed(record_files, artifacts.read_json)

    def confidence(path: Path) -> np.ndarray:
        return clear_confidence(artifacts.read_table(path), samples.count)

    inputs = Inputs(
        metrics=metrics,
        summary=artifacts.read_table(summary_file),
        verdicts=artifacts.read_texts(verdicts_file, TEXTS),
        spreads=read_spreads(artifacts.read_table(spread_file)),
        records=records,
        alarms=by_seed(alarm_files, artifacts.read_table),
        gradients=by_seed(gradient_files, artifacts.read_table),
        confidence=by_seed(label_files, confidence),
        correlations=correlations(history_files, snapshot_label_files, records, metrics),
        neighbours=by_seed(latent_files, neighbours),
    )
    artifacts.write_table(claims_file, judge_claims(CLAIMS, inputs))


def by_seed(paths: Sequence[Path], read: Callable[[Path], T]) -> dict[str, dict[int, T]]:
    """Return the content of files `<model>/<seed>.*`, by model and seed."""
    found: dict[str, dict[int, T]] = {}
    for path in paths:
        found.setdefault(path.parent.name, {})[int(path.stem)] = read(path)
    return found


def correlations(
    histories: Sequence[Path], snapshot_labels: Sequence[Path], records: BySeed, metrics: pd.DataFrame
) -> BySeed[float]:
    """Return the rank correlation of each generator's loss with the label distance of its samples."""
    real = metrics[(metrics["model"] == TEST) & (metrics["metric"] == "share") & (metrics["set"] == "images")]
    truth = real.astype({"label": int}).groupby("label")["value"].mean()
    labelled = by_seed(snapshot_labels, artifacts.read_table)

    def correlation(path: Path) -> float:
        model, seed = path.parent.name, int(path.stem)
        losses = records[model][seed]["objectives"]["generator"]
        return loss_correlation(artifacts.read_table(path), losses, labelled[model][seed], truth)

    return by_seed(histories, correlation)


def neighbours(path: Path) -> tuple[int, int]:
    """Return the number of codes whose nearest other code has the same label, and the number of codes."""
    arrays = artifacts.read_arrays(path)
    return neighbour_hits(arrays["codes"], arrays["labels"])


if __name__ == "__main__":
    run(main)
