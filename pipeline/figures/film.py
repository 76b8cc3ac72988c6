"""What the same noises became, moment by moment, for a page that runs through them."""

import numpy as np
import pandas as pd

from pipeline.figures import style
from pipeline.figures.grids import tiles
from pipeline.figures.snapshots import moments

MOMENTS = 24  # at most
NOISES, COLUMNS = 16, 8  # of a moment
GAP = 1  # pixels between two images, and between two moments
LEVELS = 15  # of grey: with the gaps they fit into four bits; fewer would cut the edges off what is blurred
LARGEST = 80_000  # bytes


def film(steps: np.ndarray, images: np.ndarray, steps_per_epoch: float) -> tuple[bytes, pd.DataFrame]:
    """A PNG with one moment below the other, as many as fit into `LARGEST` bytes (but two at least), and what it holds.

    Args:
        steps: of the moments that are known (s,), ascending.
        images: what the noises were at these steps (s, n, 28, 28) u8; the first 16 are shown.
        steps_per_epoch: of the training.

    Returns:
        The sheet, and its table: one row a moment, with its place, the pixels above it on the sheet, its height in
        pixels, its step, and the epochs that had passed.
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
    """A PNG of moments (s, n, 28, 28) u8, each of rows of eight images; gaps are transparent."""
    strips = [tiles(moment, COLUMNS, (GAP, GAP)) for moment in images]
    gap = np.ma.MaskedArray(np.zeros((GAP, strips[0].shape[1]), np.uint8), mask=True)
    sheet = np.ma.concatenate([part for strip in strips for part in (strip, gap)])
    return style.png(sheet[:-GAP], scale=1, levels=LEVELS)
