"""The generative adversarial network (Goodfellow et al., 2014) with the networks of the paper.

A generator G turns noise $z \\sim N(0, I)$ into an image; a discriminator D gives the probability that an image is
real. D minimises the sum of the paper's `realLoss` and `fakeLoss`, $-\\log D(x) - \\log(1 - D(G(z)))$, in nats. Then G
plays against the updated D, on fresh noise. The paper's `TrainGenerator(fakeLoss)` can be read in three ways, and the
setting `loss` chooses one:

- `nonsaturating` (default): G minimises $-\\log D(G(z))$. Its gradient does not vanish while D wins.
- `saturating`: G minimises $\\log(1 - D(G(z)))$, the minimax game. The fixed point is the same, but the gradient
  vanishes where D wins, as in the paper's Figures 3 and 4 (Arjovsky & Bottou, 2017).
- `literal`: G minimises $-\\log(1 - D(G(z)))$, the fake loss itself, and so helps D.

With `spectral_norm`, each layer of D divides its weights by their largest singular value (Miyato et al., 2018). No
layer then stretches its input, so the slope of D stays bounded however confident D is.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import linear, normalize, softplus

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Adversarial, Decoder, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import Dropout, SigmoidInLoss, to_signed, to_unit


class Gan(TrainedModel, Adversarial, Decoder):
    """Combine the networks of Tables 1 and 2; train them by Algorithm 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 256
        lr: float = Field(2e-4, gt=0)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, below zero
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
        # Update D: one pass over real images and fakes that pass no gradient to G.
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

        # Update G against the updated D, on fresh noise.
        yield Objective(self.generator, {"generator_loss": self.generator_loss(self.fake_logits(len(images)))})

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float()

    def generator_loss(self, logits: Tensor) -> Tensor:
        """Return G's loss, by the chosen reading, for D's logits a of fakes; log(1 - sigmoid(a)) = -softplus(a)."""
        match self.config.loss:
            case "nonsaturating":
                return softplus(-logits).mean()
            case "saturating":
                return -softplus(logits).mean()
            case "literal":
                return softplus(logits).mean()

    def noise(self, count: int) -> Tensor:
        """Draw noise z ~ N(0, I), (count, latent), from torch's global generator."""
        return torch.randn(count, self.config.latent, device=self.device)

    def decode(self, codes: Codes) -> Images:
        return to_unit(self.generator(codes)).view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))


class SpectralLinear(nn.Linear):
    """Apply `nn.Linear` with weights divided by their largest singular value, computed in float32.

    That value is u W v, where u and v approximate the first pair of singular vectors. Each call improves them by one
    step of the power iteration; in training, `u` is kept for the next call. One step is enough, because the weights
    change little between two calls.

    The step also rescales u and v to unit length. This matters when weights are averaged, because the moving average of
    `u` is shorter than 1. torch's own `spectral_norm` would use it as it is, and D's logits would be wrong.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("u", torch.randn(outputs))
        for _ in range(15):
            self.u.copy_(self.singular_vectors()[0])

    @torch.no_grad()
    def singular_vectors(self) -> tuple[Tensor, Tensor]:
        """Return the left (outputs,) and right (inputs,) singular vectors, one power iteration closer than `u`."""
        v = normalize(self.u @ self.weight, dim=0)
        return normalize(self.weight @ v, dim=0), v

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            u, v = self.singular_vectors()
            if self.training:
                self.u.copy_(u)
            weight = self.weight / (u @ self.weight @ v)
        return linear(x, weight, self.bias)
