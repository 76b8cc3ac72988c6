"""Say which images are asked about, and how grey images become ink."""

import torch

from pipeline.core.shapes import Images, Pixels

SEED = 0  # of the ink, and of the order in which images are chosen


def inked(pixels: Pixels, seed: int = SEED) -> Images:
    """Return images of ink: a pixel of level g is 1 with probability g / 255.

    The draw is in whole numbers, so it is the same on every machine.
    """
    drawn = torch.randint(255, pixels.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return (drawn.to(pixels.device) < pixels).float().unsqueeze(1)


def order(count: int) -> torch.Tensor:
    """Return the order in which so many images are asked about: those that are dear to compute take the first few."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(SEED))
