"""Give decoders the probability of images of ink: a pixel of their image is its probability of ink.

So GANs have a likelihood without an invented noise level. Only images with exact blacks need a floor, as no other ink
would have any probability: $x' = \\epsilon + (1 - 2 \\epsilon) x$.
"""

import math

import torch
from torch import Tensor

from pipeline.core.shapes import Images, Nats
from pipeline.likelihood.annealing import LogLikelihood
from pipeline.models.base import Decoder

GRID = 201  # points along each coordinate of a code
REACH = 5.0  # the grid goes from -5 to 5 standard deviations
TINY = 1e-6  # least probability of ink or of paper, so that logarithms are finite in float32


def log_likelihood(decoder: Decoder, ink: Images, floor: float) -> LogLikelihood:
    """Return the function from codes (images, chains, latent) to log P(image | code), (images, chains)."""
    black = ink.flatten(1)[:, None]

    def of_codes(codes: Tensor) -> Tensor:
        means = probabilities(decoder, codes.flatten(0, 1), floor).view(*codes.shape[:2], -1)
        return (black * means.log() + (1 - black) * (1 - means).log()).sum(2)

    return of_codes


def probabilities(decoder: Decoder, codes: Tensor, floor: float) -> Tensor:
    """Return the probability of ink in each pixel, (n, pixels), for codes (n, latent)."""
    means = decoder.decode(codes).flatten(1).float()
    return (floor + (1 - 2 * floor) * means).clamp(TINY, 1 - TINY)


@torch.no_grad()
def on_grid(decoder: Decoder, latent: int, ink: Images, floor: float) -> Nats:
    """Return log P(image) by a sum over a grid of codes of one or two numbers, (n,)."""
    along = torch.linspace(-REACH, REACH, GRID)
    codes = torch.cartesian_prod(*[along] * latent).view(-1, latent)
    log_prior = -codes.square().sum(1) / 2 - latent * math.log(2 * math.pi) / 2 + latent * math.log(along.diff()[0])
    totals = [torch.full((len(ink),), -math.inf)]
    for part, prior in zip(codes.split(2000), log_prior.split(2000), strict=True):
        means = probabilities(decoder, part, floor)
        black, white = means.log(), (1 - means).log()
        joint = ink.flatten(1) @ (black - white).T + white.sum(1) + prior
        totals.append(joint.logsumexp(1))
    return torch.stack(totals).logsumexp(0)
