"""Integrate codes out of a likelihood, by annealed importance sampling with Hamiltonian Monte Carlo.

The integral is $p(x) = \\int N(z; 0, I) e^{\\ell(z)} dz$, with $\\ell(z) = \\log p(x | z)$. A chain starts from the
prior and goes through the distributions $N(z; 0, I) e^{\\beta \\ell(z)}$, in which $\\beta$ grows from 0 to 1. Its
weight $w = \\exp \\sum_t (\\beta_t - \\beta_{t-1}) \\ell(z_{t-1})$ has the mean $p(x)$ (Neal, 2001), so the logarithm
of a mean of weights is too small on average. A chain that goes back, from an exact draw of the posterior to the prior,
has weights with the mean $1 / p(x)$, and gives an estimate that is too large (bidirectional Monte Carlo: Grosse et al.,
2015). Such a draw is known only for images that the model made itself.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.core.shapes import Nats

LogLikelihood = Callable[[Tensor], Tensor]  # codes (images, chains, latent) -> nats (images, chains)

LEAPFROGS = 5
ACCEPTED = 0.65  # share of proposals that are accepted with the best step size (Neal, 2011)
ADAPTING = 0.3  # how fast the logarithm of a step size follows the share of accepted proposals
STEEPNESS = 4.0  # of the sigmoid in the schedule


def temperatures(steps: int) -> Tensor:
    """Return beta from 0 to 1, (steps + 1,): a sigmoid, with small steps at both ends (Wu et al., 2017)."""
    curve = torch.linspace(-STEEPNESS, STEEPNESS, steps + 1, dtype=torch.double).sigmoid()
    return (curve - curve[0]) / (curve[-1] - curve[0])


@dataclass(frozen=True)
class Steps:
    """Hold the step sizes of Hamiltonian Monte Carlo that were found for each image, for several values of beta."""

    betas: Tensor  # (moments,), rising
    sizes: Tensor  # (moments, images)

    def at(self, beta: float) -> Tensor:
        """Return the step size of each image, (images,), at the next larger beta that was tried."""
        return self.sizes[min(int(torch.searchsorted(self.betas, beta)), len(self.betas) - 1)]


@torch.no_grad()
def tuned(log_likelihood: LogLikelihood, codes: Tensor, steps: int, rng: torch.Generator) -> Steps:
    """Go through the temperatures once, from codes of the prior, and adapt the step size of each image on the way."""
    sizes, betas, found = torch.full(codes.shape[:1], 0.5), temperatures(steps), []
    for beta in betas[1:].tolist():
        codes, accepted = moved(log_likelihood, codes, beta, sizes, rng)
        sizes = adapted(sizes, accepted)
        found.append(sizes)
    return Steps(betas[1:], torch.stack(found))


@torch.no_grad()
def posterior(log_likelihood: LogLikelihood, codes: Tensor, steps: int, rng: torch.Generator) -> Tensor:
    """Return codes that are about distributed as the posterior of each image, from codes of the prior.

    Half of the steps go through the temperatures and adapt the step sizes; the others stay at the last one.
    """
    sizes, betas = torch.full(codes.shape[:1], 0.5), temperatures(steps // 2)[1:].tolist()
    for step in range(steps):
        warming = step < len(betas)
        codes, accepted = moved(log_likelihood, codes, betas[step] if warming else 1.0, sizes, rng)
        if warming:
            sizes = adapted(sizes, accepted)
    return codes


@torch.no_grad()
def lower_estimate(
    log_likelihood: LogLikelihood, codes: Tensor, steps: int, sizes: Steps, rng: torch.Generator
) -> Nats:
    """Return an estimate of log p(x), (images,), that is too small on average, from codes of the prior."""
    betas, weights = temperatures(steps).tolist(), torch.zeros(codes.shape[:2], dtype=torch.double)
    for before, beta in itertools.pairwise(betas):
        weights += (beta - before) * log_likelihood(codes).double()
        codes, _ = moved(log_likelihood, codes, beta, sizes.at(beta), rng)
    return (weights.logsumexp(1) - math.log(codes.shape[1])).float()


@torch.no_grad()
def upper_estimate(
    log_likelihood: LogLikelihood, codes: Tensor, steps: int, sizes: Steps, rng: torch.Generator
) -> Nats:
    """Return an estimate of log p(x), (images,), that is too large on average, from codes of the posterior."""
    betas, weights = temperatures(steps).tolist()[::-1], torch.zeros(codes.shape[:2], dtype=torch.double)
    for before, beta in itertools.pairwise(betas):
        codes, _ = moved(log_likelihood, codes, before, sizes.at(before), rng)
        weights += (beta - before) * log_likelihood(codes).double()
    return -(weights.logsumexp(1) - math.log(codes.shape[1])).float()


def adapted(sizes: Tensor, accepted: Tensor) -> Tensor:
    """Return larger step sizes where more proposals were accepted than is best, and smaller ones where fewer."""
    return (sizes * (ADAPTING * (accepted - ACCEPTED)).exp()).clamp(1e-4, 2.0)


def moved(
    log_likelihood: LogLikelihood, codes: Tensor, beta: float, sizes: Tensor, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Make one step of Hamiltonian Monte Carlo, which leaves N(z; 0, I) exp(beta l(z)) as it is.

    Returns: the codes, (images, chains, latent), and the share of proposals that each image accepted, (images,).
    """
    size = sizes[:, None, None]
    momentum = torch.randn(codes.shape, generator=rng)
    start, slope = potential(log_likelihood, codes, beta)
    before = start + momentum.square().sum(2) / 2
    new = codes
    momentum = momentum - size / 2 * slope
    for leap in range(LEAPFROGS):
        new = new + size * momentum
        end, slope = potential(log_likelihood, new, beta)
        momentum = momentum - (size if leap < LEAPFROGS - 1 else size / 2) * slope
    after = end + momentum.square().sum(2) / 2
    accepted = torch.rand(before.shape, generator=rng).log() < before - after
    return torch.where(accepted[..., None], new, codes), accepted.float().mean(1)


def potential(log_likelihood: LogLikelihood, codes: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """Return the energy |z|^2 / 2 - beta l(z) of codes, (images, chains), and its gradient."""
    with torch.enable_grad():
        codes = codes.detach().requires_grad_()
        energy = codes.square().sum(2) / 2 - beta * log_likelihood(codes)
        (gradient,) = torch.autograd.grad(energy.sum(), codes)
    return energy.detach(), gradient
