"""Choose which images are compared with which: the draws of a source, and the halves of the test images.

The reference is the test images, on which no model was trained. For scores that compare two sets of equal size, both
are cut in halves. Each half of a draw is scored against one half of the test images, and the two scores are averaged.
The test images themselves are scored in the same way and with the same sizes, one half against the other. This gives
the floor: the score of real images. All other scores take a draw as a whole.
"""

import zlib

import numpy as np
import pandas as pd

Halves = list[tuple[np.ndarray, np.ndarray]]


def draws_of(images: int, size: int) -> list[slice]:
    """Return the slice of each draw of `size` images in an array of `images`, which holds the draws in turn."""
    return [slice(start, start + size) for start in range(0, images - size + 1, size)]


def shuffled(test: int, draw: int) -> np.ndarray:
    """Return the order (test,) in which the test images are used for a draw; it is the same for all sources."""
    return np.random.default_rng([test, draw]).permutation(test)


def halves(images: int, test: int, draw: int, are_test: bool) -> Halves:
    """Return the two pairs of index arrays to compare: test images, and as many of the `images` of a draw.

    The test images themselves (`are_test`) are compared one half against the other, both ways.
    """
    n = min(images, test) // 2
    order = shuffled(test, draw)
    first, second = order[:n], order[n : 2 * n]
    if are_test:
        return [(first, second), (second, first)]
    return [(first, np.arange(n)), (second, np.arange(n, 2 * n))]


def stream(draw: int, metric: str, space: str = "") -> np.random.Generator:
    """Return the random generator of one metric in one space, so that a new metric changes no other score."""
    return np.random.default_rng([0, draw, zlib.crc32(f"{metric}/{space}".encode())])


def rows_of(labels: pd.DataFrame, images: str, count: int) -> pd.DataFrame:
    """Return the rows of a table of predicted labels that belong to one set of `count` images, in their order.

    Raises:
        ValueError: the rows are not those of these images, one each, in their order.
    """
    rows = labels[labels["set"] == images].reset_index(drop=True)
    if not np.array_equal(rows["index"], np.arange(count)):
        raise ValueError(
            f"The table of labels should have a row for each of the {count} images of the set {images}, in order; "
            f"found {len(rows)} rows, which do not match. Delete it and run again."
        )
    return rows
