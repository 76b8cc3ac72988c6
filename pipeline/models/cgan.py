"""Conditional generative adversarial network (Mirza & Osindero, 2014), with the networks of the paper's GAN.

Generator and discriminator are told the class $y$ of an image: its one-hot vector is joined to the noise that G
turns into an image, and to the pixels that D judges. So D asks whether an image is a real one *of this class*, and
G can only win with images of the class that it was asked for. D descends
$-\\log D(x, y) - \\log(1 - D(G(z, y), y))$, in nats, with images $x$ and labels $y$ of the training set and noise
$z \\sim N(0, I)$; then G, on fresh noise and the same labels, descends $-\\log D(G(z, y), y)$ against the D that has
just moved. That is the game of the family `gan` in its non-saturating form, played within each class.

Its samples have labels without anyone looking at them: the one that was asked for.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.core.shapes import Images, Labels
from pipeline.models.base import Adversarial, Conditional, ConditionalConfig, Objective
from pipeline.models.common.blocks import Dropout, SigmoidInLoss, joined, to_signed, to_unit


class Cgan(Conditional, Adversarial):
    """Tables 1 and 2 with the label joined to both inputs, trained by Algorithm 1."""

    class Config(ConditionalConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 256
        lr: float = Field(2e-4, gt=0)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, left of zero
        dropout: float = Field(0.3, ge=0, lt=1)  # after the discriminator's hidden layers

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = nn.Sequential(
            *(nn.Linear(config.latent + config.classes, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 1024), nn.LeakyReLU(config.slope)),
            *(nn.Linear(1024, 784), nn.Tanh()),
        )
        self.discriminator = nn.Sequential(
            *(nn.Linear(784 + config.classes, 1024), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(1024, 512), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(512, 256), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(256, 1), SigmoidInLoss()),
        )

    def objectives(self, images: Images, labels: Labels) -> Iterator[Objective]:
        # The discriminator sees the real and the fake images in one pass.
        with torch.no_grad():
            fakes = self.generate(self.noise(len(labels)), labels)
        both = torch.cat([to_signed(images).flatten(1), fakes])  # (2b, 784)
        real, fake = self.judge(both, labels.repeat(2)).chunk(2)  # logits, (b, 1) each
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
        fake = self.judge(self.generate(self.noise(len(labels)), labels), labels)
        yield Objective(self.generator, {"generator_loss": softplus(-fake).mean()})

    def generate(self, z: Tensor, labels: Labels) -> Tensor:
        """Pixels in [-1, 1], (n, 784)."""
        return self.generator(joined(z, labels, self.config.classes))

    def judge(self, pixels: Tensor, labels: Labels) -> Tensor:
        """The logits of being real, (n, 1) in float32, for pixels (n, 784) in [-1, 1]."""
        return self.discriminator(joined(pixels, labels, self.config.classes)).float()

    def fake_logits(self, count: int) -> Tensor:
        labels = torch.randint(self.config.classes, (count,), device=self.device)
        return self.judge(self.generate(self.noise(count), labels), labels)

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample_labelled(self, labels: Labels, rng: torch.Generator) -> Images:
        z = torch.randn(len(labels), self.config.latent, generator=rng)
        images = self.generate(z.to(self.device), labels.to(self.device))
        return to_unit(images).view(-1, 1, 28, 28)
