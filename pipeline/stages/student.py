"""Fit a student to the samples of one source, and score it on the real test images."""

import sys
from pathlib import Path

import numpy as np
import torch

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.names import TEST
from pipeline.core.params import Samples
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.protocol import draws_of, halves
from pipeline.likelihood.protocol import inked
from pipeline.likelihood.student import student_nats
from pipeline.stages.cli import run


def main(
    *,
    samples: Samples,
    source: str,
    seed: int,
    dataset_file: Path,
    samples_file: Path,
    scores_file: Path,
) -> None:
    """Write the score of each set of images and each draw: a mean over both halves.

    Args:
        samples: the section of params.yaml, as JSON.
        source: the name of a model or of a baseline; `test_images` for the test images themselves.
        seed: of the model; 0 for a baseline.
        dataset_file: the data set, for its test images.
        samples_file: the images of the source.
        scores_file: to write.
    """
    use_one_thread()
    test = torch.from_numpy(read_dataset(dataset_file).test_images)
    ink, are_test, rows = inked(test), source == TEST, []
    for name, array in artifacts.read_arrays(samples_file).items():
        pixels = torch.from_numpy(array)
        parts = [slice(None)] * samples.draws if are_test else draws_of(len(pixels), samples.count)
        for draw, part in enumerate(parts):
            pairs = halves(len(pixels[part]), len(test), draw, are_test)
            value = float(np.mean([student_nats(pixels[part][fake], ink[real]) for real, fake in pairs]))
            print(f"{source}: {name}, draw {draw + 1} · {value:.1f} nats", file=sys.stderr, flush=True)
            about = {"set": name, "draw": draw, "space": "pixels", "n": len(pairs[0][0])}
            rows.append({"metric": "student_nats", "value": value} | about)
    artifacts.write_scores(scores_file, rows, source, seed)


if __name__ == "__main__":
    run(main)
