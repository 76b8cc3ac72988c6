"""Predict a label, with calibrated probabilities, for each sample of one source."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline import artifacts
from pipeline.classifier import Classifier, logits_of
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


def label(classifier: Classifier, pixels: Pixels) -> pd.DataFrame:
    """One row an image: index, label, confidence, p_0, p_1, ..."""
    probabilities = logits_of(classifier, pixels).softmax(1)
    confidence, labels = probabilities.max(1)
    table = pd.DataFrame({"index": range(len(pixels)), "label": labels.numpy(), "confidence": confidence.numpy()})
    return table.join(pd.DataFrame(probabilities.numpy()).add_prefix("p_"))


if __name__ == "__main__":
    run(main)
