"""Cut images into rectangles, and group the images by what they show in each."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

ROUNDS = 6  # of k-means
AT_ONCE = 32  # rectangles that are grouped at once, which bounds the memory


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
