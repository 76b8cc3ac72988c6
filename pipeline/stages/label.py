"""Predict a label, with calibrated probabilities, for each sample of one source, and say how far it is one."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline import artifacts
from pipeline.classifier import Ensemble, opinions
from pipeline.metrics.conformal import kinds, mutual_information
from pipeline.shapes import Pixels
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="label", description=__doc__)
    cli.add_argument("--classifier", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True)
    args = cli.parse_args(argv)

    classifier = artifacts.read_classifier(args.classifier)
    tables = [
        label(classifier, torch.from_numpy(pixels)).assign(set=name)
        for name, pixels in artifacts.read_arrays(args.samples).items()
    ]
    table = pd.concat(tables)
    artifacts.write_table(args.labels, table[["set", *table.columns.drop("set")]])


def label(classifier: Ensemble, pixels: Pixels) -> pd.DataFrame:
    """One row an image: index, label, confidence, disagreement (nats), kind, p_0, p_1, ..."""
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
