"""Predict a label for each sample of one source, with calibrated probabilities and a conformal category."""

from pathlib import Path

import pandas as pd
import torch

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.shapes import Pixels
from pipeline.evaluation.classifier import Ensemble, opinions, read_classifier
from pipeline.metrics.conformal import kinds, mutual_information
from pipeline.stages.cli import run


def main(
    *,
    classifier_file: Path,
    samples_file: Path,
    labels_file: Path,
) -> None:
    """Write one row per image of each set in the samples file."""
    use_one_thread()
    classifier = read_classifier(classifier_file)
    tables = [
        label(classifier, torch.from_numpy(pixels)).assign(set=name)
        for name, pixels in artifacts.read_arrays(samples_file).items()
    ]
    table = pd.concat(tables)
    artifacts.write_table(labels_file, table[["set", *table.columns.drop("set")]])


def label(classifier: Ensemble, pixels: Pixels) -> pd.DataFrame:
    """Return one row per image: index, label, confidence, disagreement (nats), kind, p_0, p_1, ..."""
    each = opinions(classifier, pixels)
    probabilities = classifier.together(each).softmax(1).numpy()
    table = pd.DataFrame({
        "index": range(len(pixels)),
        "label": probabilities.argmax(1),
        "confidence": probabilities.max(1),
        "disagreement": mutual_information(each.exp().numpy()),
        "kind": kinds(probabilities, *classifier.thresholds.tolist()),
    })  # fmt: skip
    return table.join(pd.DataFrame(probabilities).add_prefix("p_"))


if __name__ == "__main__":
    run(main)
