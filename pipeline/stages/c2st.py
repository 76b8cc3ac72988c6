"""Run the classifier two-sample test (C2ST): train networks to tell one source's samples from real test images.

Each network is given equal numbers of samples and of test images. The test images themselves are tested one half
against the other.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from pipeline.core import artifacts
from pipeline.core.compute import choose
from pipeline.core.names import TEST
from pipeline.core.params import Compute, Samples
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.network_tests import c2st
from pipeline.evaluation.protocol import draws_of, halves, shuffled
from pipeline.metrics.network_scores import c2st_scores
from pipeline.stages.cli import run


def main(
    *,
    samples: Samples,
    compute: Compute,
    source: str,
    seed: int,
    dataset_file: Path,
    samples_file: Path,
    scores_file: Path,
) -> None:
    """Write the accuracy and the gap in log odds, for each set of images and each draw.

    Args:
        samples: the section of params.yaml, as JSON.
        compute: the section of params.yaml, as JSON.
        source: the name of a model or of a baseline; `test_images` for the test images themselves.
        seed: of the model; 0 for a baseline.
        dataset_file: the data set, for its test images.
        samples_file: the images of the source.
        scores_file: to write.
    """
    arithmetic = choose(compute)
    test = read_dataset(dataset_file).test_images
    rows = []
    for name, images in artifacts.read_arrays(samples_file).items():
        for draw, (real, fake) in enumerate(compared(images, test, samples, source == TEST)):
            found = c2st_scores(*c2st(torch.from_numpy(real), torch.from_numpy(fake), arithmetic, draw))
            print(
                f"{source}: {name}, draw {draw + 1} · {found.accuracy:.2%} right, p = {found.p:.2g} by guessing",
                file=sys.stderr,
                flush=True,
            )
            about = {"set": name, "draw": draw, "space": "pixels", "n": found.n}
            rows += [
                {"metric": "c2st_accuracy", "value": found.accuracy, "lower": found.lower, "upper": found.upper}
                | about,
                {"metric": "c2st_gap", "value": found.gap} | about,
            ]
    artifacts.write_scores(scores_file, rows, source, seed)


def compared(
    images: np.ndarray, test: np.ndarray, samples: Samples, are_test: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the real and the fake images of each draw, in equal numbers."""
    if are_test:
        for draw in range(samples.draws):
            (first, second), _ = halves(len(test), len(test), draw, are_test)
            yield test[first], test[second]
    else:
        n = min(samples.count, len(test))
        for draw, part in enumerate(draws_of(len(images), samples.count)):
            yield test[shuffled(len(test), draw)[:n]], images[part][:n]


if __name__ == "__main__":
    run(main)
