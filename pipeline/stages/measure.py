"""Score the samples of one source: a model with one seed, or a baseline."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from torch import nn

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.names import TEST
from pipeline.core.params import Labels, Samples
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import read_classifier
from pipeline.evaluation.features import digest, features_of, networks
from pipeline.evaluation.nearest import alike_images, nearest_images
from pipeline.evaluation.protocol import draws_of, rows_of
from pipeline.evaluation.reference import Reference, from_arrays
from pipeline.evaluation.scores import Details, Draw, Row, evaluate
from pipeline.metrics.novelty import nearest_training
from pipeline.stages.cli import run


def main(
    *,
    samples: Samples,
    labels: Labels,
    source: str,
    seed: int,
    dataset_file: Path,
    classifier_file: Path,
    reference_file: Path,
    samples_file: Path,
    labels_file: Path,
    scores_file: Path,
    details_file: Path,
    record_file: Path | None = None,
) -> None:
    """Write the scores of each set of images and each draw, and what figures show of the first.

    Args:
        samples: the section of params.yaml, as JSON.
        labels: the section of params.yaml, as JSON.
        source: the name of a model or of a baseline; `test_images` for the test images themselves.
        seed: of the model; 0 for a baseline.
        dataset_file: the data set.
        classifier_file: the checkpoint of the classifier.
        reference_file: what scores need of the real images.
        samples_file: the images of the source.
        labels_file: their predicted labels.
        scores_file: to write.
        details_file: to write: curves and neighbours of the first draw, for figures.
        record_file: of the training, for its cost; a baseline has none.
    """
    use_one_thread()
    data = read_dataset(dataset_file)
    reference = from_arrays(artifacts.read_arrays(reference_file))
    spaces = networks(read_classifier(classifier_file), len(reference.features) - 1)
    check_networks(spaces, reference, reference_file)
    predicted = artifacts.read_table(labels_file)

    rows: list[Row] = []
    shown: Details = {}
    with threadpool_limits(1):  # on several threads, k-means sums in another order
        for name, pixels in artifacts.read_arrays(samples_file).items():
            table = rows_of(predicted, name, len(pixels))
            for draw in draws(pixels, table, spaces, data, reference, samples, source == TEST):
                print(f"{source}: {name}, draw {draw.number + 1}", file=sys.stderr, flush=True)
                found, details = evaluate(draw, data, reference, labels.ambiguous_below, tell)
                rows += [{"set": name, "draw": draw.number, **row} for row in found]
                shown = shown or details
    if record_file:
        rows += [{"set": "images", **row} for row in training_rows(artifacts.read_json(record_file))]

    artifacts.write_arrays(details_file, **shown)
    artifacts.write_scores(scores_file, rows, source, seed)


def tell(sentence: str) -> None:
    """Print to the log which score was left out, and why."""
    print(f"left out: {sentence}", file=sys.stderr, flush=True)


def check_networks(spaces: Mapping[str, nn.Module], reference: Reference, path: Path) -> None:
    """Refuse a reference that was made with other networks.

    Raises:
        ValueError: the digest of a network is not that of the reference.
    """
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
    samples: Samples,
    are_test: bool,
) -> Iterator[Draw]:
    """Yield the independent draws that an array of samples holds, one after another.

    The test images are a single set, which is cut in different halves for each draw.
    """
    size = len(pixels) if are_test else samples.count
    for number, part in enumerate(draws_of(len(pixels), size)):
        images = pixels[part]
        features = {space: features_of(network, torch.from_numpy(images)) for space, network in spaces.items()}
        nearest = {
            space: nearest_images(images, data.train_images)
            if training.samples is None
            else nearest_training(training.samples, features[space])
            for space, training in reference.training.items()
        }
        alike = alike_images(images, reference.alike)
        draw = Draw(images, labels.iloc[part], features, nearest, alike, number, are_test)
        yield from (replace(draw, number=again) for again in range(samples.draws)) if are_test else [draw]


def training_rows(record: Row) -> Iterator[Row]:
    """Yield the cost of a training, and its test loss if the whole model has a single objective."""
    yield {"metric": "seconds", "value": record["seconds"]}
    yield {"metric": "images_seen", "value": record["images_seen"]}
    yield {"metric": "parameters", "value": record["parameters"]["total"]}
    if list(record["objectives"]) == ["model"]:
        yield {"metric": "test_loss", "value": sum(record["test"].values())}


if __name__ == "__main__":
    run(main)
