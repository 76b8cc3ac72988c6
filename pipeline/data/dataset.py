"""Define the data set that stages exchange."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """Hold labelled images as stored: 0 is background, 255 is ink; a label is an index into `class_names`."""

    train_images: np.ndarray  # (n, 28, 28) uint8
    train_labels: np.ndarray  # (n,) int64
    test_images: np.ndarray  # (m, 28, 28) uint8
    test_labels: np.ndarray  # (m,) int64
    class_names: list[str]
