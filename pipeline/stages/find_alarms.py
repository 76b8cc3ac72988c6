"""Find alarms in one training run: signs that it has failed."""

from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline.analysis.alarms import Alarm, Trained, find
from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.evaluation.classifier import Ensemble, logits_of, read_classifier
from pipeline.metrics.proportions import shares
from pipeline.stages.cli import run


def main(
    *,
    classifier_file: Path,
    history_file: Path,
    diagnostics_file: Path,
    snapshots_file: Path,
    snapshot_labels_file: Path,
    alarms_file: Path,
) -> None:
    """Write the alarms, and the shares of predicted labels that some of them need.

    Args:
        classifier_file: the checkpoint of the classifier.
        history_file: the logged terms of each step.
        diagnostics_file: the diagnostics of the training.
        snapshots_file: samples at several steps of the training.
        snapshot_labels_file: to write: the share of each predicted label in each snapshot.
        alarms_file: to write.
    """
    use_one_thread()
    classifier = read_classifier(classifier_file)
    labelled = label_shares(classifier, **artifacts.read_arrays(snapshots_file))
    trained = Trained(artifacts.read_table(history_file), artifacts.read_table(diagnostics_file), labelled)
    columns = pd.Index([field.name for field in fields(Alarm)])
    found = pd.DataFrame([asdict(alarm) for alarm in find(trained)], columns=columns)
    artifacts.write_table(snapshot_labels_file, labelled)
    artifacts.write_table(alarms_file, found)


def label_shares(classifier: Ensemble, steps: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """Return the share of each predicted label in each snapshot: step, label, share."""
    classes = classifier.classes
    tables = [
        pd.DataFrame({
            "step": step,
            "label": range(classes),
            "share": shares(logits_of(classifier, torch.from_numpy(pixels)).argmax(1).numpy(), classes),
        })
        for step, pixels in zip(steps, images, strict=True)
    ]  # fmt: skip
    return pd.concat(tables)


if __name__ == "__main__":
    run(main)
