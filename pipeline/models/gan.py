"""Generative adversarial network (Goodfellow et al., 2014), with the networks of the paper.

A generator G turns noise z ~ N(0, I) into an image; a discriminator D gives the probability that an
image is real. D descends the sum of the paper's `realLoss` and `fakeLoss`,
$-\\log D(x) - \\log(1 - D(G(z)))$, in nats; then G, on fresh noise, plays against the D that has just
moved. What the paper calls `TrainGenerator(fakeLoss)` can be read in three ways, and `loss` says which:

- `nonsaturating` (default): G descends $-\\log D(G(z))$. Its gradient stays alive while D wins.
- `saturating`: G descends $\\log(1 - D(G(z)))$, the minimax game. Same fixed point, but where D wins
  the gradient dies: the vanishing gradient of the paper's Figures 3 and 4 (Arjovsky & Bottou, 2017).
- `literal`: G descends $-\\log(1 - D(G(z)))$, the fake loss itself, and so helps D.

With `spectral_norm` each layer of D divides its weights by their largest singular value (Miyato et al., 2018), so that
no layer stretches what it is given and D's slope stays bounded however sure it is.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import linear, normalize, softplus

from pipeline.core.shapes import Images
from pipeline.models.base import Adversarial, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import Dropout, SigmoidInLoss, to_signed, to_unit


class Gan(TrainedModel, Adversarial):
    """Tables 1 and 2, trained by Algorithm 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 256
        lr: float = Field(2e-4, gt=0)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, left of zero
        dropout: float = Field(0.3, ge=0, lt=1)  # after the discriminator's hidden layers
        loss: Literal["nonsaturating", "saturating", "literal"] = "nonsaturating"
        spectral_norm: bool = False  # of the discriminator's layers

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = nn.Sequential(
            *(nn.Linear(config.latent, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 1024), nn.LeakyReLU(config.slope)),
            *(nn.Linear(1024, 784), nn.Tanh()),
        )
        layer = SpectralLinear if config.spectral_norm else nn.Linear
        self.discriminator = nn.Sequential(
            *(layer(784, 1024), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(layer(1024, 512), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(layer(512, 256), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(layer(256, 1), SigmoidInLoss()),
        )

    def objectives(self, images: Images) -> Iterator[Objective]:
        # The discriminator sees the real and the fake images in one pass.
        with torch.no_grad():
            fakes = self.generator(self.noise(len(images)))  # (b, 784)
        both = torch.cat([to_signed(images).flatten(1), fakes])  # (2b, 784)
        real, fake = self.discriminator(both).float().chunk(2)  # logits, (b, 1) each
        yield Objective(
            self.discriminator,
            {"real_loss": softplus(-real).mean(), "fake_loss": softplus(fake).mean()},
            {
                "D_real": real.sigmoid().mean(),
                "D_fake": fake.sigmoid().mean(),
                "D_right": torch.cat([real > 0, fake < 0]).float().mean(),
            },
        )
        # It has moved by now: the generator plays against the new one, with fresh noise.
        yield Objective(self.generator, {"generator_loss": self.generator_loss(self.fake_logits(len(images)))})

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float()

    def generator_loss(self, logits: Tensor) -> Tensor:
        """The three readings of TrainGenerator(fakeLoss), on D's logits for fakes; log(1-p) = -softplus(a)."""
        match self.config.loss:
            case "nonsaturating":
                return softplus(-logits).mean()
            case "saturating":
                return -softplus(logits).mean()
            case "literal":
                return softplus(logits).mean()

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        images = self.generator(z.to(self.device))
        return to_unit(images).view(-1, 1, 28, 28)


class SpectralLinear(nn.Linear):
    """`nn.Linear` with its weights divided by their largest singular value, in float32.

    That value is u W v, of singular vectors which each use brings closer by one step of the power iteration; in
    training the next use goes on from there. The weights move little between two uses, so one step is enough. It also
    makes unit vectors of `u`'s moving average, which is shorter than one where the weights are averaged; torch's own
    `spectral_norm` would take it as it is, and let D's logits go astray.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("u", torch.randn(outputs))
        for _ in range(15):
            self.u.copy_(self.singular_vectors()[0])

    @torch.no_grad()
    def singular_vectors(self) -> tuple[Tensor, Tensor]:
        """(outputs,) and (inputs,), one step closer than `u`."""
        v = normalize(self.u @ self.weight, dim=0)
        return normalize(self.weight @ v, dim=0), v

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            u, v = self.singular_vectors()
            if self.training:
                self.u.copy_(u)
            weight = self.weight / (u @ self.weight @ v)
        return linear(x, weight, self.bias)
