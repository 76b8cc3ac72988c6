"""An energy-based model: the restricted Boltzmann machine (Smolensky, 1986; Hinton, 2002).

Pixels $b$ of ink and hidden units $h$, all 0 or 1, have a joint probability that an energy gives. With the hidden units
summed out, the free energy of an image is

$F(b) = -c^\\top b - \\sum_k \\ln\\bigl(1 + e^{a_k + W_k b}\\bigr)$, and $p(b) = e^{-F(b)} / Z$.

Nobody can sum $Z$ over all images, but its gradient is a mean over images of the model. So training lowers the free
energy of real ink and raises that of a set of images from the model, the persistent chains (Tieleman, 2008):
$E\\,F(b) - E\\,F(\\tilde b)$. After each step, Gibbs sampling moves the chains on: it draws all hidden units given the
pixels, then all pixels given the hidden units. This loss says nothing about progress; the reconstruction does.

The log-probability needs $\\ln Z$. Annealed importance sampling (Salakhutdinov & Murray, 2008) goes from a model of
independent pixels to this one in `temperatures` small steps. Its estimate of $Z$ is right on average, so that of
$\\ln Z$ is too small, and the likelihood looks too good. The same steps backwards, from images of the model, give an
estimate that is too large. The log-probability uses the mean of both, and there is none if they differ by more than a
nat.

To sample, start chains from independent pixels. After `burn_in` steps each gives five images, `thinning` steps apart.
The images shown are the means of a step, that is the probability of each pixel given the hidden units. The ink with
these means is kept as a second set, the observations.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    Decay,
    DrawsInSteps,
    EnergyBased,
    Exhibit,
    HasParts,
    Objective,
    PixelwiseObservations,
    TrainedModel,
    TrainingConfig,
)
from pipeline.models.common.blocks import ink

MOMENTS = (0, 1, 3, 10, 30, 100, 300, 1000)  # Gibbs steps after which a chain is shown
CHAINS = 300  # of each estimate of ln Z
IMAGES_PER_CHAIN = 5
APART = 1.0  # largest difference of the two estimates, in nats, with which there is a log-probability


class Ebm(TrainedModel, EnergyBased, PixelwiseObservations, HasParts, DrawsInSteps):
    """Hold the weights of the machine, and its persistent chains."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 12
        batch_size: PositiveInt = 100
        lr: float = Field(3e-3, gt=0)
        linear_decay: bool = True
        betas: tuple[Decay, Decay] = (0.5, 0.99)
        ema: Decay = 0.995
        hidden: PositiveInt = 500
        chains: PositiveInt = 100
        burn_in: PositiveInt = 1000  # Gibbs steps to the first sample of a chain
        thinning: PositiveInt = 250  # Gibbs steps between two samples
        temperatures: PositiveInt = 6000  # of annealed importance sampling
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "ink"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "estimate"
    persistent: Tensor
    marginal: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        pixels = config.side**2
        self.weight = nn.Parameter(0.01 * torch.randn(config.hidden, pixels))
        self.hidden = nn.Parameter(torch.zeros(config.hidden))
        self.visible = nn.Parameter(torch.zeros(pixels))
        self.register_buffer("persistent", torch.bernoulli(torch.full((config.chains, pixels), 0.5)))
        self.register_buffer("marginal", torch.zeros(pixels))  # logits of ink, where annealing starts

    @torch.no_grad()
    def begin(self, images: Images, rng: torch.Generator) -> None:
        frequency = images.flatten(1).mean(dim=0).clamp(0.001, 0.999)
        self.marginal.copy_(frequency.logit())
        self.visible.copy_(self.marginal)

    def free_energy(self, pixels: Tensor, beta: float = 1.0) -> Tensor:
        """Return the free energy (n,) of images of ink (n, pixels), in nats.

        At an inverse temperature of 0 it is that of independent pixels, at 1 that of the model.
        """
        fields = (nn.functional.linear(pixels, self.weight, self.hidden) * beta).float()
        start = pixels @ ((1 - beta) * self.marginal + beta * self.visible)
        return -start - softplus(fields).sum(dim=1)

    def energy(self, images: Images) -> Nats:
        return self.free_energy(images.flatten(1))

    def objectives(self, images: Images) -> Iterator[Objective]:
        # Move the persistent chains one Gibbs step; evaluation must not.
        real = ink(images.flatten(1))
        if self.training:
            self.persistent.copy_(torch.bernoulli(self.means_after(self.persistent)))
        chains = self.persistent.clone()

        # The gradient of this difference is that of the negative log-likelihood, estimated by the chains.
        difference = self.free_energy(real).mean() - self.free_energy(chains).mean()
        with torch.no_grad():
            reconstruction = nn.functional.binary_cross_entropy(self.means_after(real), real, reduction="sum")
        yield Objective(self, {"free_energy": difference}, {"reconstruction": reconstruction / len(real)})

    @torch.no_grad()
    def means_after(self, pixels: Tensor, rng: torch.Generator | None = None, beta: float = 1.0) -> Tensor:
        """Make a Gibbs step, at an inverse temperature, up to the mean of each pixel (n, pixels)."""
        fields = (nn.functional.linear(pixels, self.weight, self.hidden) * beta).float()
        hidden = ink(fields.sigmoid(), rng)
        start = (1 - beta) * self.marginal
        return (start + beta * (hidden @ self.weight + self.visible)).float().sigmoid()

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        side, chains = self.config.side, -(-count // IMAGES_PER_CHAIN)
        means, found = self.marginal.sigmoid().expand(chains, -1), []
        for number in range(IMAGES_PER_CHAIN):
            for _ in range(self.config.thinning if number else self.config.burn_in):
                means = self.means_after(ink(means, rng), rng)
            found.append(means)
        return torch.cat(found)[:count].view(count, 1, side, side)

    def observe(self, means: Images, rng: torch.Generator) -> Images:
        return ink(means, rng)

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        strongest = self.weight.norm(dim=1).topk(min(40, self.config.hidden)).indices
        weights = self.weight[strongest]
        columns, largest = min(10, len(weights)), weights.abs().amax(1, keepdim=True)
        images = (0.5 + weights / (2 * largest)).unflatten(1, (self.config.side,) * 2)
        return Exhibit(
            "Weights of hidden units",
            "The strongest hidden units. Where a unit is white it asks for ink, where it is black it forbids ink, and "
            "grey pixels do not matter to it.",
            images[: len(images) // columns * columns].unflatten(0, (-1, columns)),
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        means, steps = self.marginal.sigmoid().expand(8, -1), []
        for step in range(max(MOMENTS) + 1):
            if step in MOMENTS:
                steps.append(means)
            means = self.means_after(ink(means, rng), rng)
        return Exhibit(
            "A chain of Gibbs steps",
            f"Each row is one Markov chain, from the mean of all images, after {', '.join(map(str, MOMENTS))} steps.",
            torch.stack(steps, 1).unflatten(2, (self.config.side,) * 2),
        )

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator) -> Nats:
        low, high = self.log_partition(rng)
        if high - low > APART:
            raise ArithmeticError(
                f"ln Z lies between {low:.1f} and {high:.1f}: expected estimates at most {APART:g} nat apart. Raise "
                "`temperatures`."
            )
        return -self.energy(images) - (low + high) / 2

    @torch.no_grad()
    def log_partition(self, rng: torch.Generator) -> tuple[float, float]:
        # Independent pixels have a known Z, and so have the hidden units, which are free there.
        start = self.config.hidden * math.log(2) + softplus(self.marginal.double()).sum().item()
        betas = torch.linspace(0, 1, self.config.temperatures + 1, dtype=torch.float64).tolist()

        # Forwards, from independent pixels to the model; then backwards, from the persistent chains.
        pixels = ink(self.marginal.sigmoid().expand(CHAINS, -1), rng)
        low = start + log_mean(self.annealed(pixels, betas, rng))
        pixels = self.persistent[torch.randint(len(self.persistent), (CHAINS,), generator=rng)]
        for _ in range(self.config.burn_in):
            pixels = ink(self.means_after(pixels, rng), rng)
        high = start - log_mean(self.annealed(pixels, betas[::-1], rng))
        return low, high

    def annealed(self, pixels: Tensor, betas: Sequence[float], rng: torch.Generator) -> Tensor:
        """Return the logarithm of the weight (chains,) that each chain gathers on its way through the temperatures."""
        weights = torch.zeros(len(pixels), dtype=torch.float64, device=pixels.device)
        for now, then in itertools.pairwise(betas):
            weights += (self.free_energy(pixels, now) - self.free_energy(pixels, then)).double()
            pixels = ink(self.means_after(pixels, rng, then), rng)
        return weights


def log_mean(logarithms: Tensor) -> float:
    """Return the logarithm of the mean of exp(logarithms)."""
    return logarithms.logsumexp(dim=0).item() - math.log(len(logarithms))
