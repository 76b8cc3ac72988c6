"""Choose at random the labels that a conditional model is told to draw, as frequent as in the training set."""

from pathlib import Path

import numpy as np

from pipeline.core import artifacts
from pipeline.core.params import Samples
from pipeline.data.dataset_file import read_dataset
from pipeline.stages.cli import run


def main(
    *,
    samples: Samples,
    seed: int,
    dataset_file: Path,
    requested_file: Path,
) -> None:
    labels = read_dataset(dataset_file).train_labels
    rng = np.random.default_rng(seed)
    requested = rng.choice(labels, samples.count * samples.draws)  # the draws follow each other
    artifacts.write_arrays(requested_file, labels=requested)


if __name__ == "__main__":
    run(main)
