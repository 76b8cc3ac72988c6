"""Score the samples of one source: a model with one seed, or known images."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from pipeline import artifacts
from pipeline.dataset import TEST, Dataset
from pipeline.evaluation.reference import Reference, from_arrays
from pipeline.evaluation.scores import Details, Draw, Row, evaluate
from pipeline.features import digest, features_of, networks
from pipeline.metrics.novelty import nearest_training
from pipeline.nearest import nearest_images
from pipeline.params import Labels, Samples
from pipeline.stages import run, settings


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="measure", description=__doc__)
    cli.add_argument("--samples-config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--labels-config", type=settings(Labels, "labels"), required=True)
    cli.add_argument("--model", required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--classifier", type=Path, required=True)
    cli.add_argument("--reference", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True)
    cli.add_argument("--record", type=Path, help="of the training, where there was one")
    cli.add_argument("--measures", type=Path, required=True)
    cli.add_argument("--details", type=Path, required=True)
    args = cli.parse_args(argv)

    data = artifacts.read_dataset(args.dataset)
    reference = from_arrays(artifacts.read_arrays(args.reference), data)
    spaces = networks(artifacts.read_classifier(args.classifier), len(reference.features) - 1)
    check_networks(spaces, reference, args.reference)
    table = artifacts.read_table(args.labels)

    rows: list[Row] = []
    shown: Details = {}
    with threadpool_limits(1):  # k-means sums in another order on several
        for name, pixels in artifacts.read_arrays(args.samples).items():
            labels = table[table["set"] == name]
            for draw in draws(pixels, labels, spaces, data, reference, args.samples_config, args.model == TEST):
                print(f"{args.model}: {name}, draw {draw.number + 1}", file=sys.stderr, flush=True)
                found, details = evaluate(draw, data, reference, args.labels_config.ambiguous_below, tell)
                rows += [{"set": name, "draw": draw.number, **row} for row in found]
                shown = shown or details
    if args.record:
        rows += [{"set": "images", **row} for row in training_rows(artifacts.read_json(args.record))]

    artifacts.write_arrays(args.details, **shown)
    artifacts.write_scores(args.measures, rows, args.model, args.seed)


def tell(sentence: str) -> None:
    print(f"left out: {sentence}", file=sys.stderr, flush=True)


def check_networks(spaces: Mapping[str, nn.Module], reference: Reference, path: Path) -> None:
    """Refuse a reference that was made with other networks."""
    for space, network in spaces.items():
        if (found := digest(network)) != reference.digests[space]:
            raise ValueError(
                f"{path} should hold features of the network {found} in the space {space}; found those of "
                f"{reference.digests[space]}, and such scores cannot be compared. Delete it and run again."
            )


def draws(
    pixels: np.ndarray,
    labels: pd.DataFrame,
    spaces: Mapping[str, nn.Module],
    data: Dataset,
    reference: Reference,
    config: Samples,
    are_test: bool,
) -> Iterator[Draw]:
    """The independent draws that an array of samples holds one after the other.

    The test images are one set. They are cut in halves anew for each draw.
    """
    size = len(pixels) if are_test else config.count
    for number in range(len(pixels) // size):
        part = slice(number * size, (number + 1) * size)
        images = pixels[part]
        features = {space: features_of(network, torch.from_numpy(images)) for space, network in spaces.items()}
        nearest = {
            space: nearest_images(images, data.train_images)
            if space == "pixels"
            else nearest_training(training.samples, features[space])
            for space, training in reference.training.items()
        }
        draw = Draw(images, labels.iloc[part], features, nearest, number, are_test)
        yield from (replace(draw, number=again) for again in range(config.draws)) if are_test else [draw]


def training_rows(record: Row) -> Iterator[Row]:
    """What a training cost, and the objective it reached on the test images where that is a loss of the model."""
    yield {"metric": "seconds", "value": record["seconds"]}
    yield {"metric": "images_seen", "value": record["images_seen"]}
    yield {"metric": "parameters", "value": record["parameters"]["total"]}
    if list(record["objectives"]) == ["model"]:
        yield {"metric": "test_loss", "value": sum(record["test"].values())}


if __name__ == "__main__":
    run(main)
