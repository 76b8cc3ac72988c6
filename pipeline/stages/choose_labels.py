"""Choose random labels for a conditional model to sample, with the frequencies of the training set."""

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
    """Write one label for each sample of all draws.

    Args:
        samples: the section of params.yaml, as JSON.
        seed: of the model, and of the random choice.
        dataset_file: the data set, for the labels of its training images.
        requested_file: to write: an array `labels`.
    """
    labels = read_dataset(dataset_file).train_labels
    rng = np.random.default_rng(seed)
    requested = rng.choice(labels, samples.count * samples.draws)  # one draw after another
    artifacts.write_arrays(requested_file, labels=requested)


if __name__ == "__main__":
    run(main)
