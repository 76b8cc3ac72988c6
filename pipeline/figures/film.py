"""Make a film of samples of the same noise during training, for a page with a slider."""

import numpy as np
import pandas as pd

from pipeline.figures import style
from pipeline.figures.grids import tiles
from pipeline.figures.snapshots import moments

MOMENTS = 24  # largest number of frames
NOISES, COLUMNS = 16, 8  # samples of a frame, and samples in a row
GAP = 1  # pixels between two images, and between two frames
LEVELS = 15  # of grey: they fit into four bits with the gaps; fewer would cut off the edges of blurred images
LARGEST = 80_000  # bytes of a sheet


def film(steps: np.ndarray, images: np.ndarray, steps_per_epoch: float) -> tuple[bytes, pd.DataFrame]:
    """Return a PNG with one frame below the other, and a table of the frames.

    It has as many frames as fit into `LARGEST` bytes, but at least two.

    Args:
        steps: (s,) the steps at which samples are known, ascending.
        images: (s, n, 28, 28) u8, samples of the same noise at these steps; the first 16 are shown.
        steps_per_epoch: of the training run.

    Returns:
        The sheet, and a table with one row for each frame: its index, the pixels above it on the sheet, its height in
        pixels, its step, and the number of epochs by then.
    """
    shown = images[:, :NOISES]
    most = min(MOMENTS, len(steps))
    sheet = reel(shown[moments(len(steps), most)])
    while len(sheet) > LARGEST and most > 2:
        most = max(min(most - 1, most * LARGEST // len(sheet)), 2)
        sheet = reel(shown[moments(len(steps), most)])
    chosen = moments(len(steps), most)
    pitch = -(-shown.shape[1] // COLUMNS) * (shown.shape[2] + GAP)
    table = pd.DataFrame({"moment": range(most), "top": np.arange(most) * pitch, "height": pitch - GAP})
    return sheet, table.assign(step=steps[chosen], epoch=(steps[chosen] / steps_per_epoch).round(4))


def reel(images: np.ndarray) -> bytes:
    """Return a PNG of frames (s, n, 28, 28) u8, each with rows of eight images and transparent gaps."""
    strips = [tiles(moment, COLUMNS, (GAP, GAP)) for moment in images]
    gap = np.ma.MaskedArray(np.zeros((GAP, strips[0].shape[1]), np.uint8), mask=True)
    sheet = np.ma.concatenate([part for strip in strips for part in (strip, gap)])
    return style.png(sheet[:-GAP], scale=1, levels=LEVELS)
