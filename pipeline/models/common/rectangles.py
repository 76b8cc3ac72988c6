"""Cut images into rectangles, and group the images by what they show in each."""

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad

from pipeline.core.shapes import Images

ROUNDS = 6  # of k-means
AT_ONCE = 32  # rectangles that are grouped at once, which bounds the memory


class Tiling(nn.Module):
    """Cut images into blocks of 2 x 2 pixels, and put them together again.

    The image lies in a square with a power of two as side, which is halved so many times. The halves of rectangle p are
    2 p and 2 p + 1 of the next cut, and the blocks have the order of the last one.
    """

    order: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.row = 1 << max(side - 1, 1).bit_length() - 1  # blocks
        self.cuts = 2 * (self.row.bit_length() - 1)
        blocks = torch.arange(self.row**2).view(1, self.row, self.row)
        self.register_buffer("order", halved(blocks, self.cuts).flatten(), persistent=False)

    def padded(self, images: Images) -> Tensor:
        """Return the images in their squares, (n, 2 row, 2 row), with 0 around."""
        room = 2 * self.row - self.side
        return pad(images[:, 0], (0, room, 0, room))

    def blocks(self, images: Images) -> Tensor:
        """Return the pixels of each block, (blocks, n, 4)."""
        blocks = self.padded(images).view(-1, self.row, 2, self.row, 2).permute(1, 3, 0, 2, 4)
        return blocks.reshape(self.row**2, -1, 4)[self.order]

    def images(self, blocks: Tensor) -> Images:
        """Return the images of blocks (blocks, n, 4)."""
        ordered = torch.empty_like(blocks)
        ordered[self.order] = blocks
        images = ordered.view(self.row, self.row, -1, 2, 2).permute(2, 0, 3, 1, 4)
        return images.reshape(-1, 1, 2 * self.row, 2 * self.row)[..., : self.side, : self.side]


def halved(rectangles: Tensor, cuts: int) -> Tensor:
    """Cut rectangles (r, ..., height, width) so many times, in turn into upper and lower, left and right halves."""
    for cut in range(cuts):
        dim = -2 if cut % 2 == 0 else -1
        rectangles = torch.stack(rectangles.chunk(2, dim=dim), dim=1).flatten(0, 1)
    return rectangles


def grouped(rectangles: Tensor, groups: int, rng: torch.Generator) -> Tensor:
    """Return the group of each image in each rectangle, (r, n), by k-means of its pixels (r, n, height, width)."""
    return torch.cat([k_means(part.flatten(2), groups, rng) for part in rectangles.split(AT_ONCE)])


def k_means(x: Tensor, groups: int, rng: torch.Generator) -> Tensor:
    """Return the nearest of the centres for each of several sets of points, (r, n, d) to (r, n)."""
    centres = x[:, torch.randint(x.shape[1], (groups,), generator=rng)]
    for _ in range(ROUNDS):
        nearest = (centres.square().sum(dim=2)[:, None] - 2 * x @ centres.transpose(1, 2)).argmin(dim=2)
        members = one_hot(nearest, groups).float().transpose(1, 2)
        sizes = members.sum(dim=2, keepdim=True)
        centres = torch.where(sizes > 0, members @ x / sizes.clamp_min(1), centres)
    return nearest
