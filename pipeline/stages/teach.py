"""Ask of samples that have labels: are they what was asked for, and can one learn from them to read real images?

Besides the samples of conditional models these are training images, whose numbers are what a model could reach at best,
and the test images, of which only the first question is asked.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline import artifacts, compute
from pipeline.dataset import TEST, Dataset
from pipeline.metrics.by_networks import share_right
from pipeline.params import Compute, Samples
from pipeline.stages import run, settings
from pipeline.trained_tests import teach


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="teach", description=__doc__)
    cli.add_argument("--samples-config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--compute", type=settings(Compute, "compute"), required=True)
    cli.add_argument("--model", required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True, help="as predicted")
    cli.add_argument("--asked", type=Path, help="the labels that a conditional model was asked for")
    cli.add_argument("--measures", type=Path, required=True)
    args = cli.parse_args(argv)

    arithmetic = compute.choose(args.compute)
    data, table = artifacts.read_dataset(args.dataset), artifacts.read_table(args.labels)
    test = torch.from_numpy(data.test_images)
    rows: list[dict[str, Any]] = []
    for name, images in artifacts.read_arrays(args.samples).items():
        asked = artifacts.read_arrays(args.asked)["labels"] if args.asked else known_labels(images, data, args.samples)
        predicted = table.loc[table["set"] == name, "label"].to_numpy()
        size = len(images) if args.model == TEST else args.samples_config.count
        for number in range(len(images) // size):
            print(f"{args.model}: {name}, draw {number + 1}", file=sys.stderr, flush=True)
            part = slice(number * size, (number + 1) * size)
            found = {"label_fidelity": share_right(asked[part], predicted[part])}
            if args.model != TEST:
                pixels, labels = torch.from_numpy(images[part]), torch.from_numpy(asked[part])
                read = teach(pixels, labels, test, len(data.class_names), arithmetic, number)
                found["classification_accuracy"] = share_right(data.test_labels, read)
            rows += [
                {
                    "set": name,
                    "draw": number,
                    "metric": metric,
                    "value": value,
                    "lower": lower,
                    "upper": upper,
                    "n": size,
                }
                for metric, (value, lower, upper) in found.items()
            ]
    artifacts.write_scores(args.measures, rows, args.model, args.seed)


def known_labels(images: np.ndarray, data: Dataset, path: Path) -> np.ndarray:
    """The labels of images that are copies of those in the data set.

    Raises:
        ValueError: some are no such copies.
    """
    labels: dict[bytes, int] = {}
    for known, names in ((data.train_images, data.train_labels), (data.test_images, data.test_labels)):
        labels |= {image.tobytes(): name for image, name in zip(known, names, strict=True)}
    found = [labels.get(image.tobytes()) for image in images]
    if None in found:
        raise ValueError(
            f"{path}: expected images of the data set, whose labels are known; {found.count(None)} of {len(found)} are "
            "others. Give the labels that were asked for as --asked."
        )
    return np.array(found)


if __name__ == "__main__":
    run(main)
