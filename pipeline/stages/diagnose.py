"""Look at one training for signs that it has died."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline import artifacts
from pipeline.alarms import Alarm, Trained, find
from pipeline.classifier import Ensemble, logits_of
from pipeline.metrics.proportions import shares
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="diagnose", description=__doc__)
    cli.add_argument("--classifier", type=Path, required=True)
    cli.add_argument("--history", type=Path, required=True)
    cli.add_argument("--checks", type=Path, required=True)
    cli.add_argument("--snapshots", type=Path, required=True)
    cli.add_argument("--shares", type=Path, required=True)
    cli.add_argument("--alarms", type=Path, required=True)
    args = cli.parse_args(argv)

    classifier = artifacts.read_classifier(args.classifier)
    labelled = label_shares(classifier, **artifacts.read_arrays(args.snapshots))
    trained = Trained(artifacts.read_table(args.history), artifacts.read_table(args.checks), labelled)
    columns = pd.Index([field.name for field in fields(Alarm)])
    found = pd.DataFrame([asdict(alarm) for alarm in find(trained)], columns=columns)
    artifacts.write_table(args.shares, labelled)
    artifacts.write_table(args.alarms, found)


def label_shares(classifier: Ensemble, steps: np.ndarray, images: np.ndarray) -> pd.DataFrame:
    """The share of each predicted label in each snapshot: step, label, share."""
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
