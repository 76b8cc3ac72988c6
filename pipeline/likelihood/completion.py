"""Hide a part of real images, and let models complete them."""

from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.core.shapes import Images, Nats
from pipeline.likelihood.annealing import posterior
from pipeline.likelihood.decoders import log_likelihood
from pipeline.likelihood.estimate import Codes
from pipeline.models.base import Completing, Decoder, GenerativeModel, Marginal

FLOOR = 0.005  # least probability of ink, without which no code of a GAN explains what is known
STEPS = 100  # of Hamiltonian Monte Carlo


def masks(side: int) -> Mapping[str, Tensor]:
    """Return what is known of an image, by the name of what is hidden: 1 where a pixel is known, (1, 1, side, side)."""
    down, right = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    edge = side // 4
    inside = [(edge <= place) & (place < side - edge) for place in (down, right)]
    scattered = torch.rand(side, side, generator=torch.Generator().manual_seed(0)) < 0.25
    known = {
        "the lower half": down < side // 2,
        "the left half": right >= side // 2,
        "the middle": ~(inside[0] & inside[1]),
        "three pixels in four": scattered,
    }
    return {name: mask.float()[None, None] for name, mask in known.items()}


def can_complete(model: GenerativeModel) -> bool:
    """Return whether a model can complete images: by itself, or through its codes."""
    return isinstance(model, Completing | Decoder)


def completed(model: GenerativeModel, images: Images, known: Tensor, draws: int, rng: torch.Generator) -> Tensor:
    """Return several completions of each image, (n, draws, 1, side, side), with the known pixels as they are.

    A decoder gets codes that explain the known pixels, by Hamiltonian Monte Carlo, and draws the others from them.

    Args:
        model: one that can complete.
        images: of ink, or of 256 levels, as the model takes them.
        known: 1 where a pixel is known, (1, 1, side, side).
        draws: completions of each image.
        rng: a generator on the CPU.
    """
    shown = known.expand_as(images)
    if isinstance(model, Completing):
        with torch.no_grad():
            return torch.stack([model.complete(images, shown, rng) for _ in range(draws)], 1)
    codes = Codes(model)
    given = log_likelihood(codes.by_chain, images, FLOOR, shown)
    found = posterior(given, torch.randn(len(images), draws, codes.latent, generator=rng), STEPS, rng)
    with torch.no_grad():
        means = codes.by_chain(found).view(len(images), draws, *images.shape[1:])
    ink = (torch.rand(means.shape, generator=rng) < means).float()
    return torch.where(shown[:, None] > 0, images[:, None], ink)


@torch.no_grad()
def hidden_nats(model: GenerativeModel, images: Images, known: Tensor, rng: torch.Generator) -> Nats | None:
    """Return log P(hidden pixels | known pixels) of each image, in nats; None if the model does not say it."""
    if not isinstance(model, Marginal):
        return None
    return model.log_prob(images, rng) - model.log_prob(images, rng, known.expand_as(images))
