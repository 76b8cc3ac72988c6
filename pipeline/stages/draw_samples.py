"""Draw what a model's samples look like and how the classifier labels them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import artifacts
from pipeline.figures import grids, labels
from pipeline.figures.style import svg
from pipeline.metrics.proportions import shares, wilson
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    dataset = artifacts.read_dataset(args.dataset)
    images = artifacts.read_arrays(args.samples)["images"]
    table = artifacts.read_table(args.labels)

    names = dataset.class_names
    mine = table[table["set"] == "images"].sort_values("index")
    probabilities = mine[[f"p_{label}" for label in range(len(names))]].to_numpy()
    predicted = mine["label"].to_numpy()
    counts = np.bincount(predicted, minlength=len(names))
    lower, upper = np.transpose([wilson(int(count), len(predicted)) for count in counts])
    training = shares(dataset.train_labels, len(names))

    labelled = grids.labelled(images, predicted, mine["confidence"].to_numpy(), names)
    artifacts.write_bytes(args.grid, grids.samples(images))
    artifacts.write_bytes(args.labelled, svg(labelled))
    artifacts.write_bytes(args.ambiguous, svg(grids.ambiguous(images, probabilities, names)))
    artifacts.write_bytes(args.classes, svg(labels.classes(counts / len(predicted), lower, upper, training, names)))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_samples", description=__doc__)
    parser.add_argument("--dataset", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--samples", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--labels", type=Path, required=True, metavar="CSV")
    parser.add_argument("--grid", type=Path, required=True, metavar="PNG", help="to write: the first 100")
    parser.add_argument("--labelled", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--ambiguous", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--classes", type=Path, required=True, metavar="SVG", help="to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
