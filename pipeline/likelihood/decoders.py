"""Give decoders the probability of images of ink: a pixel of their image is its probability of ink.

So GANs have a likelihood without an invented noise level. Only images with exact blacks need a floor, as no other ink
would have any probability: $x' = \\epsilon + (1 - 2 \\epsilon) x$.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pipeline.core.shapes import Nats
from pipeline.likelihood.annealing import LogLikelihood, Steps, lower_estimate, tuned, upper_estimate

Decode = Callable[[Tensor], Tensor]  # codes (images, chains, latent) -> probabilities of ink (images, chains, pixels)

GRID = 201  # points along each coordinate of a code
REACH = 5.0  # the grid goes from -5 to 5 standard deviations
AT_ONCE = 1000  # codes on the grid
FLOORS = (0.001, 0.002, 0.005, 0.01)  # least probabilities of ink, to choose from
TINY = 1e-6  # least probability of ink or of paper, so that logarithms are finite in float32


def log_likelihood(decode: Decode, ink: Tensor, floor: float, known: Tensor | None = None) -> LogLikelihood:
    """Return the function from codes (images, chains, latent) to log P(image | code), (images, chains).

    If `known` is given, only the pixels count where it is 1.
    """
    black = ink.flatten(1)[:, None]
    counted = torch.ones_like(black) if known is None else known.flatten(1)[:, None]

    def of_codes(codes: Tensor) -> Tensor:
        means = floored(decode(codes), floor)
        return (counted * torch.where(black > 0, means, 1 - means).log()).sum(2)

    return of_codes


def floored(means: Tensor, floor: float) -> Tensor:
    """Return probabilities of ink that are at least the floor, and at most 1 - floor."""
    return (floor + (1 - 2 * floor) * means).clamp(TINY, 1 - TINY)


@torch.no_grad()
def on_grid(decode: Decode, latent: int, ink: Tensor, floor: float) -> Nats:
    """Return log P(image), (n,), by a sum over a grid of codes of one or two numbers."""
    along = torch.linspace(-REACH, REACH, GRID)
    codes = torch.cartesian_prod(*[along] * latent).view(-1, latent)
    log_prior = latent * (along.diff()[0].log() - math.log(2 * math.pi) / 2) - codes.square().sum(1) / 2
    totals = []
    for some, prior in zip(codes.split(AT_ONCE), log_prior.split(AT_ONCE), strict=True):
        means = floored(decode(some[None])[0], floor)
        joint = ink.flatten(1) @ means.logit().T + ((1 - means).log().sum(1) + prior)
        totals.append(joint.logsumexp(1))
    return torch.stack(totals).logsumexp(0)


def annealed(
    decode: Decode, shape: tuple[int, int], ink: Tensor, floor: float, steps: int, rng: torch.Generator
) -> tuple[Nats, Steps]:
    """Return an estimate of log P(image), (n,), that is too small on average; and the step sizes it was made with.

    Args:
        decode: from codes to probabilities of ink.
        shape: the number of chains, and of numbers in a code.
        ink: the images, (n, ...).
        floor: the least probability of ink.
        steps: temperatures between the prior and the posterior.
        rng: a generator on the CPU.
    """
    given = log_likelihood(decode, ink, floor)
    start, fresh = (torch.randn(len(ink), *shape, generator=rng) for _ in range(2))
    sizes = tuned(given, start, max(50, steps // 2), rng)
    return lower_estimate(given, fresh, steps, sizes, rng), sizes


def gap(decode: Decode, shape: tuple[int, int], images: int, floor: float, steps: int, rng: torch.Generator) -> float:
    """Return how far the two estimates are apart, in nats, on images that the decoder makes: the error of either."""
    truth = torch.randn(images, 1, shape[1], generator=rng)
    with torch.no_grad():
        means = floored(decode(truth)[:, 0], floor)
    ink = (torch.rand(means.shape, generator=rng) < means).float()
    low, sizes = annealed(decode, shape, ink, floor, steps, rng)
    start = truth.expand(-1, shape[0], -1)
    high = upper_estimate(log_likelihood(decode, ink, floor), start, steps, sizes, rng)
    return (high - low).mean().item()


def best_floor(
    decode: Decode, shape: tuple[int, int], ink: Tensor, floors: Sequence[float], steps: int, rng: torch.Generator
) -> float:
    """Return the floor under which images are most probable."""
    found = {floor: annealed(decode, shape, ink, floor, steps, rng)[0].mean().item() for floor in floors}
    return max(found, key=lambda floor: found[floor])
