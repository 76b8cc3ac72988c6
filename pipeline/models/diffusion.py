"""A diffusion model: rectified flow with a small U-net (Liu et al., 2023; Lipman et al., 2023).

Images $x$, with pixels in $[-1, 1]$, turn into noise $\\epsilon \\sim N(0, I)$ on straight lines,
$z_t = (1 - t) x + t \\epsilon$. The network learns the velocity $v = \\epsilon - x$: it minimises
$|\\hat v(z_t, t) - v|^2$. Three in four times $t$ are uniform. The others are uniform in $\\log t$, for the grey
levels. To sample, start from noise at $t = 1$ and follow $\\hat v$ back to $t = 0$ in `steps` steps of Heun's method.

With each $z_t$ the network sees what $\\epsilon$ would be if a pixel were black, and if it were white. Most pixels are
one of the two, so a small network need not work this out.

The model bounds the log-probability of 256 grey levels (Kingma et al., 2021). For this path,

$-\\log P(x) \\le \\int_{t_0}^1 \\frac{1 - t}{t} \\, E |\\hat v - v|^2 \\, dt - E \\log P(x | z_{t_0})$.

In the last term, with $t_0$ = `first`, each pixel stands by itself:
$P(x_i | z_i) \\propto N(z_i; (1 - t_0) x_i, t_0^2)$ over the 256 levels. The integral is estimated by a few times for
each image, spread evenly in $\\log t$.
"""

import itertools
import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    Decay,
    Density,
    DrawsInSteps,
    Exhibit,
    HasParts,
    Objective,
    TrainedModel,
    TrainingConfig,
)
from pipeline.models.common.blocks import to_signed, to_unit
from pipeline.models.common.unet import Unet

STEPS = 1, 2, 4, 8, 16, 32  # of drawing an image, to be compared
LOGARITHMIC = 4  # one time in so many is uniform in its logarithm
TIMES = 8  # for each image, in the estimate of the bound


class Diffusion(TrainedModel, Density, HasParts, DrawsInSteps):
    """Hold the network of the velocity."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 8
        batch_size: PositiveInt = 128
        lr: float = Field(2e-3, gt=0)
        linear_decay: bool = True
        ema: Decay = 0.995
        channels: PositiveInt = 32
        steps: PositiveInt = 8  # to draw an image; each asks the network twice
        first: float = Field(1e-3, gt=0, lt=1)  # time at which the levels are read off
        side: PositiveInt = Field(28, multiple_of=4)  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "levels"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "bound"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.network = Unet(config.channels, config.side // 4)

    def velocity(self, z: Tensor, t: Tensor) -> Tensor:
        """Return the velocity that the network expects, in float32.

        Args:
            z: images on their way, (n, 1, side, side).
            t: their times, (n,).
        """
        t = t.view(-1, 1, 1, 1)
        black, white = ((z - value * (1 - t)) / t for value in (-1, 1))
        seen = torch.cat([z, black.clamp(-4, 4), white.clamp(-4, 4)], 1)
        return self.network(seen, t.log()).float()

    def errors(self, x: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Return the squared error (n,) of the velocity of images x at times t with this noise."""
        at = t.view(-1, 1, 1, 1)
        velocity = self.velocity((1 - at) * x + at * noise, t)
        return (velocity - (noise - x)).square().flatten(1).sum(1)

    def objectives(self, images: Images) -> Iterator[Objective]:
        x = to_signed(images)
        u = torch.rand(len(x), device=x.device)
        logarithmic = torch.arange(len(x), device=x.device) % LOGARITHMIC == 0
        t = torch.where(logarithmic, self.config.first ** (1 - u), u.clamp_min(self.config.first))
        errors = self.errors(x, t, torch.randn_like(x))
        yield Objective(self, {"velocity": errors.mean() / x[0].numel()})

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        *_, images = self.path(self.noise(count, rng), self.config.steps)
        return images

    def noise(self, count: int, rng: torch.Generator) -> Tensor:
        """Draw images of noise, where a path begins."""
        return torch.randn(count, 1, self.config.side, self.config.side, generator=rng).to(self.device)

    def path(self, z: Tensor, steps: int) -> Iterator[Images]:
        """Yield the images on the way from noise z (n, 1, side, side) to samples, after each step."""
        times = [1 - step / steps for step in range(steps + 1)]
        for now, then in itertools.pairwise(times):
            velocity = self.velocity(z, z.new_full((len(z),), now))
            if then > 0:  # Heun's method; there is no velocity at the end
                ahead = self.velocity(z + (then - now) * velocity, z.new_full((len(z),), then))
                velocity = (velocity + ahead) / 2
            z = z + (then - now) * velocity
            yield to_unit(z.clamp(-1, 1))

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        noise = self.noise(10, rng)
        rows = [list(self.path(noise, steps))[-1] for steps in STEPS]
        return Exhibit(
            "Few steps or many",
            f"The same noise, followed back in {', '.join(map(str, STEPS))} steps, from top to bottom.",
            torch.stack(rows)[:, :, 0],
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        noise = self.noise(8, rng)
        images = [to_unit(noise.clamp(-1, 1)), *self.path(noise, 8)]
        return Exhibit(
            "From noise to an image",
            "Each row is one sample: noise, and then the image after each of eight steps.",
            torch.cat(images, 1),
        )

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator) -> Nats:
        x, first = to_signed(images), self.config.first
        bound = -self.level_given_first(x, rng)
        for number in range(TIMES):
            u = (number + torch.rand(len(x), generator=rng).to(x.device)) / TIMES
            t = first ** (1 - u)
            noise = torch.randn(x.shape, generator=rng).to(x.device)
            bound += (1 - t) * self.errors(x, t, noise) * math.log(1 / first) / TIMES
        return -bound

    def level_given_first(self, x: Tensor, rng: torch.Generator) -> Nats:
        """Return log P(x | z) in nats for one z at the first time, of images x (n, 1, side, side) in [-1, 1]."""
        first = self.config.first
        noise = torch.randn(x.shape, generator=rng).to(x.device)
        # How much more probable each level makes z than the right one, summed over all levels, is 1 / P.
        log_p, inverse = -noise.square() / 2, torch.zeros_like(x)
        for level in range(256):
            inverse += (((1 - first) * (x + 1 - level / 127.5) / first + noise).square() / -2 - log_p).exp()
        return -inverse.log().flatten(1).sum(1)
