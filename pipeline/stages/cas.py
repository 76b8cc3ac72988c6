"""Measure two scores of labelled samples: label fidelity, and the classification accuracy score (CAS).

Label fidelity is the share of samples that are classified as requested. CAS is the accuracy on real images of a network
that was trained on samples. Both are measured for conditional models and for training images, whose CAS is the best
that a model could reach. Test images have a label fidelity only.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.core import artifacts
from pipeline.core.compute import choose
from pipeline.core.names import TEST
from pipeline.core.params import Compute, Samples
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.network_tests import labels_learned_from
from pipeline.evaluation.protocol import draws_of, rows_of
from pipeline.metrics.network_scores import accuracy
from pipeline.stages.cli import run


def main(
    *,
    samples: Samples,
    compute: Compute,
    source: str,
    seed: int,
    dataset_file: Path,
    samples_file: Path,
    labels_file: Path,
    scores_file: Path,
    requested_file: Path | None = None,
) -> None:
    """Write both scores, for each set of images and each draw.

    Args:
        samples: the section of params.yaml, as JSON.
        compute: the section of params.yaml, as JSON.
        source: the name of a conditional model, or of a baseline of real images.
        seed: of the model; 0 for a baseline.
        dataset_file: the data set.
        samples_file: the images of the source.
        labels_file: their predicted labels.
        scores_file: to write.
        requested_file: the labels requested of a conditional model; without it, those of the real images are looked up.
    """
    arithmetic = choose(compute)
    data, table = read_dataset(dataset_file), artifacts.read_table(labels_file)
    test = torch.from_numpy(data.test_images)
    rows: list[dict[str, Any]] = []
    for name, images in artifacts.read_arrays(samples_file).items():
        requested = (
            artifacts.read_arrays(requested_file)["labels"]
            if requested_file
            else known_labels(images, data, source, samples_file)
        )
        predicted = rows_of(table, name, len(images))["label"].to_numpy()
        size = len(images) if source == TEST else samples.count
        for draw, part in enumerate(draws_of(len(images), size)):
            print(f"{source}: {name}, draw {draw + 1}", file=sys.stderr, flush=True)
            found = {"label_fidelity": accuracy(requested[part], predicted[part])}
            if source != TEST:
                pixels, labels = torch.from_numpy(images[part]), torch.from_numpy(requested[part])
                learned = labels_learned_from(pixels, labels, test, len(data.class_names), arithmetic, draw)
                found["cas"] = accuracy(data.test_labels, learned)
            rows += [
                {"set": name, "draw": draw, "metric": metric, "value": value, "lower": lower, "upper": upper, "n": size}
                for metric, (value, lower, upper) in found.items()
            ]
    artifacts.write_scores(scores_file, rows, source, seed)


def known_labels(images: np.ndarray, data: Dataset, source: str, file: Path) -> np.ndarray:
    """Return the labels of images that are copies of test images, if `source` is these, or of training images.

    Raises:
        ValueError: some images are not such copies.
    """
    known, names = (data.test_images, data.test_labels) if source == TEST else (data.train_images, data.train_labels)
    labels = {image.tobytes(): label for image, label in zip(known, names, strict=True)}
    found = [labels.get(image.tobytes()) for image in images]
    if None in found:
        raise ValueError(
            f"{file}: expected images of the data set, whose labels are known; {found.count(None)} of {len(found)} are "
            "others. Give the requested labels as --requested-file."
        )
    return np.array(found)


if __name__ == "__main__":
    run(main)
