"""A conditional generative adversarial network (Mirza & Osindero, 2014) that uses the networks of the paper's GAN.

Generator and discriminator receive the class $y$ of an image as a one-hot vector. It is concatenated with the noise,
the input of G, and with the pixels, the input of D. So D decides whether an image is a real one *of this class*, and G
can only win with images of the requested class. The images $x$ and labels $y$ are those of the training set, the noise
is $z \\sim N(0, I)$, and losses are in nats:

- D minimises $-\\log D(x, y) - \\log(1 - D(G(z, y), y))$;
- then G minimises $-\\log D(G(z, y), y)$ against the updated D, on fresh noise and the same labels.

This is the non-saturating game of the family `gan`, played within each class. The label of a sample is the class that
was requested, so no classifier is needed to label it.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.core.shapes import Codes, Images, Labels
from pipeline.models.base import Adversarial, Conditional, ConditionalConfig, ConditionalDecoder, Objective
from pipeline.models.common.blocks import Dropout, SigmoidInLoss, joined, to_signed, to_unit


class Cgan(Conditional, Adversarial, ConditionalDecoder):
    """Add the label to the inputs of the networks of Tables 1 and 2; train them by Algorithm 1."""

    class Config(ConditionalConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 256
        lr: float = Field(2e-4, gt=0)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, below zero
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
        # Update D: one pass over real images and fakes that pass no gradient to G.
        with torch.no_grad():
            fakes = self.generate(self.noise(len(labels)), labels)
        both = torch.cat([to_signed(images).flatten(1), fakes])  # (2b, 784)
        real, fake = self.logits(both, labels.repeat(2)).chunk(2)  # logits, (b, 1) each
        yield Objective(
            self.discriminator,
            {"real_loss": softplus(-real).mean(), "fake_loss": softplus(fake).mean()},
            {
                "D_real": real.sigmoid().mean(),
                "D_fake": fake.sigmoid().mean(),
                "D_right": torch.cat([real > 0, fake < 0]).float().mean(),
            },
        )

        # Update G with the non-saturating loss, against the updated D and on fresh noise.
        fake = self.logits(self.generate(self.noise(len(labels)), labels), labels)
        yield Objective(self.generator, {"generator_loss": softplus(-fake).mean()})

    def generate(self, z: Tensor, labels: Labels) -> Tensor:
        """Return pixels in [-1, 1], (n, 784), for noise z (n, latent) and labels (n,)."""
        return self.generator(joined(z, labels, self.config.classes))

    def logits(self, pixels: Tensor, labels: Labels) -> Tensor:
        """Return D's logits, (n, 1) in float32, for pixels (n, 784) in [-1, 1] and labels (n,)."""
        return self.discriminator(joined(pixels, labels, self.config.classes)).float()

    def fake_logits(self, count: int) -> Tensor:
        labels = torch.randint(self.config.classes, (count,), device=self.device)
        return self.logits(self.generate(self.noise(count), labels), labels)

    def noise(self, count: int) -> Tensor:
        """Draw noise z ~ N(0, I), (count, latent), from torch's global generator."""
        return torch.randn(count, self.config.latent, device=self.device)

    def decode_labelled(self, codes: Codes, labels: Labels) -> Images:
        return to_unit(self.generate(codes, labels)).view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample_labelled(self, labels: Labels, rng: torch.Generator) -> Images:
        z = torch.randn(len(labels), self.config.latent, generator=rng)
        return self.decode_labelled(z.to(self.device), labels.to(self.device))
