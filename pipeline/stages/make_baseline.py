"""Make draws of a baseline: a known set of images, in the form of samples, so that the same code scores them."""

from pathlib import Path

import numpy as np

from pipeline.core import artifacts
from pipeline.core.names import TEST
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.baselines import BASELINES
from pipeline.stages.cli import run


def main(
    *,
    baseline: str,
    count: int,
    draws: int,
    dataset_file: Path,
    samples_file: Path,
) -> None:
    """Write the draws one after another. The test images are written once, in whatever number there are.

    Args:
        baseline: the name of a baseline, or `test_images`.
        count: images per draw.
        draws: number of draws.
        dataset_file: the data set.
        samples_file: to write.
    """
    data = read_dataset(dataset_file)
    if baseline == TEST:
        images = data.test_images  # all there are
    else:
        streams = [np.random.default_rng([0, draw]) for draw in range(draws)]
        images = np.concatenate([BASELINES[baseline](data, count, rng) for rng in streams])
    artifacts.write_arrays(samples_file, images=images)


if __name__ == "__main__":
    run(main)
