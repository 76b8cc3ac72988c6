"""Make draws of a known set of images, as if a model had drawn them, so that the same code scores them."""

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
    data = read_dataset(dataset_file)
    if baseline == TEST:
        images = data.test_images  # there are no others
    else:
        streams = [np.random.default_rng([0, draw]) for draw in range(draws)]
        images = np.concatenate([BASELINES[baseline](data, count, rng) for rng in streams])
    artifacts.write_arrays(samples_file, images=images)


if __name__ == "__main__":
    run(main)
