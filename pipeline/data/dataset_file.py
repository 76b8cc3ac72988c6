"""Read and write the one file in which all stages find the data set."""

from pathlib import Path

import numpy as np

from pipeline.core.artifacts import read_arrays, write_arrays
from pipeline.data.dataset import Dataset


def write_dataset(path: Path, dataset: Dataset) -> None:
    """Write the data set as an .npz file."""
    write_arrays(
        path,
        train_images=dataset.train_images,
        train_labels=dataset.train_labels,
        test_images=dataset.test_images,
        test_labels=dataset.test_labels,
        class_names=np.array(dataset.class_names),
    )


def read_dataset(path: Path) -> Dataset:
    """Return the data set that `write_dataset` wrote."""
    arrays = read_arrays(path)
    return Dataset(class_names=[str(name) for name in arrays.pop("class_names")], **arrays)
