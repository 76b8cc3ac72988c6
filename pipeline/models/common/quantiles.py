"""Map the grey levels of pixels to standard normal numbers."""

import math

import torch
from torch import Tensor, nn
from torch.special import ndtr, ndtri

LOG_2_PI = math.log(2 * math.pi)


class Quantiles(nn.Module):
    """Map each pixel v in [0, 1) to the normal quantile z of its rank, and back, in float64 for the sake of the tails.

    `edges` (pixels, 257) holds the distribution function of each pixel where its levels begin and end.
    """

    edges: Tensor

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.register_buffer("edges", torch.linspace(0, 1, 257, dtype=torch.double).repeat(pixels, 1))

    def fit(self, x: Tensor) -> None:
        """Count the levels of images (n, pixels), and those of ten images that are like all pixels together."""
        counts = torch.stack([levels.bincount(minlength=256) for levels in level_of(x).T]).double()
        pooled = (counts.sum(0) + 1) / (counts.sum() + 256)
        self.edges[:, 1:-1] = ((counts + 10 * pooled) / (len(x) + 10)).cumsum(1)[:, :-1]  # the last edge is 1

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return the z of each v (n, pixels), and log dz/dv."""
        level, pixel = (256 * v).long(), torch.arange(v.shape[1], device=v.device)
        share = self.edges.diff()[pixel, level]
        z = ndtri((self.edges[pixel, level] + share * (256 * v - level)).clamp(1e-15, 1 - 1e-15))
        return z.float(), ((256 * share).log() + (z.square() + LOG_2_PI) / 2).float()

    def inverse(self, z: Tensor) -> Tensor:
        """Return the v of each z (n, pixels)."""
        rank, pixel = ndtr(z.double()), torch.arange(z.shape[1], device=z.device)
        level = torch.searchsorted(self.edges[:, 1:-1].contiguous(), rank.T.contiguous(), right=True).T
        inside = (rank - self.edges[pixel, level]) / self.edges.diff()[pixel, level]
        return (level + inside.clamp(0, 1 - 1e-9)) / 256

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean and the variance of z over the noise u for images (n, pixels), and E log dz/dv, (n,)."""
        # Inside a level, z has a truncated normal distribution.
        z, share = ndtri(self.edges), self.edges.diff()
        density = ((z.square() + LOG_2_PI) / -2).exp()
        mean, square = -density.diff() / share, 1 - (z * density).nan_to_num().diff() / share
        log_slope = (256 * share).log() + (square + LOG_2_PI) / 2
        place = torch.arange(x.shape[1], device=x.device), level_of(x)
        variance = (square - mean.square()).clamp_min(0)
        return mean[place].float(), variance[place].float(), log_slope[place].sum(1).float()

    def expected(self, centre: Tensor, scale: Tensor) -> Tensor:
        """Return the expected level of pixels with z ~ N(centre, scale^2), in [0, 1]: the mean of P(level >= l)."""
        total, scale = torch.zeros_like(centre), 2**0.5 * scale
        for edge in ndtri(self.edges[:, 1:-1]).float().T:
            total += torch.erf((centre - edge) / scale)
        return (1 + total / 255) / 2


def level_of(x: Tensor) -> Tensor:
    """Return the level of each pixel in [0, 1], from 0 to 255."""
    return (255 * x).round().long()


def dequantised(x: Tensor, rng: torch.Generator) -> Tensor:
    """Return v in [0, 1) for each pixel in [0, 1], with new noise u."""
    return (level_of(x) + torch.rand(x.shape, generator=rng, dtype=torch.double).to(x.device)) / 256
