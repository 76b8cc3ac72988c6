"""Arrange the samples of one source as a gallery, sorted by the classifier's predictions."""

import numpy as np
import pandas as pd

from pipeline.figures import grids, style

IMAGES, COLUMNS = 400, 20
SIDE, GAP = 28, 1  # pixels of an image, and between two images


def tiles(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the first images of the first draw, sorted by predicted label and then by falling confidence.

    Args:
        labels: one row for each image: set, index, label, confidence, kind, and the probabilities p_0, p_1, ...

    Returns:
        One row for each tile. Probabilities have four decimals.

        - place: its place in the gallery; left, top: the pixels to its left and above it on the sheet;
        - index, label, confidence, kind: of its image in the draw;
        - second, second_probability: the second likeliest label and its probability.
    """
    drawn = labels[labels["set"] == "images"].sort_values("index").head(IMAGES)
    probabilities = drawn.filter(regex=r"^p_\d+$").to_numpy()
    second = np.argsort(-probabilities, axis=1, kind="stable")[:, 1]
    chosen = drawn[["index", "label", "confidence", "kind"]].assign(
        second=second, second_probability=probabilities[np.arange(len(drawn)), second]
    )
    ordered = chosen.sort_values(["label", "confidence", "index"], ascending=[True, False, True], ignore_index=True)
    rows, columns = np.divmod(np.arange(len(ordered)), COLUMNS)
    step = SIDE + GAP
    return ordered.round(4).assign(left=columns * step, top=rows * step).rename_axis("place").reset_index()


def sheet(images: np.ndarray, order: np.ndarray) -> bytes:
    """Return a PNG of the images (n, 28, 28) u8 in the given order, row by row, with transparent gaps."""
    return style.png(grids.tiles(images[order], COLUMNS, (GAP, GAP)), scale=1)
