"""The deep convolutional GAN (Radford et al., 2016), which the paper names as its next step.

The game is the non-saturating one of the family `gan`, with losses in nats:

- D minimises $-\\log D(x) - \\log(1 - D(G(z)))$;
- then G minimises $-\\log D(G(z))$ against the updated D, on fresh noise.

Only the networks differ. They follow the rules of Radford et al.:

- strided convolutions in D and transposed ones in G, instead of pooling and dense layers;
- batch normalisation in all layers except D's first and the last of both;
- ReLU in G, LeakyReLU in D;
- initial weights from $N(0, 0.02^2)$, and Adam with $\\beta_1 = 0.5$.

Their $64 \\times 64$ images need four doublings from $4 \\times 4$; a $28 \\times 28$ image needs two from
$7 \\times 7$. We keep the two nearest to the image. Their 128 and 64 channels, the $4 \\times 4$ kernels and the normal
noise are from the code that Chintala, one of the authors, published later.

As in that paper, D sees real images and fakes in separate batches, and each batch is normalised by itself. Samples use
the running statistics that G gathered in training, so an image does not depend on the others of its batch.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Adversarial, Decay, Decoder, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import SigmoidInLoss, to_signed, to_unit


class Dcgan(TrainedModel, Adversarial, Decoder):
    """Combine a convolutional generator and discriminator; train them by the paper's Algorithm 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 25
        batch_size: PositiveInt = 128
        lr: float = Field(2e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.999)
        latent: PositiveInt = 100
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, below zero

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = nn.Sequential(
            nn.Unflatten(1, (config.latent, 1, 1)),
            *(nn.ConvTranspose2d(config.latent, 128, 7, bias=False), nn.BatchNorm2d(128), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 1, 4, 2, 1), nn.Tanh()),
        )
        self.discriminator = nn.Sequential(
            *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(config.slope)),
            *(nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(config.slope)),
            *(nn.Conv2d(128, 1, 7), nn.Flatten(), SigmoidInLoss()),
        )
        self.apply(initialise)

    def objectives(self, images: Images) -> Iterator[Objective]:
        # Update D: real images, and fakes that pass no gradient to G, each normalised as a batch of its own.
        with torch.no_grad():
            fakes = self.generator(self.noise(len(images)))  # (b, 1, 28, 28)
        real, fake = self.logits(to_signed(images)), self.logits(fakes)  # logits, (b, 1) each
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
        yield Objective(self.generator, {"generator_loss": softplus(-self.fake_logits(len(images))).mean()})

    def logits(self, images: Tensor) -> Tensor:
        """Return D's logits, (n, 1) in float32, for images (n, 1, 28, 28) in [-1, 1]."""
        return self.discriminator(images).float()

    def fake_logits(self, count: int) -> Tensor:
        return self.logits(self.generator(self.noise(count)))

    def noise(self, count: int) -> Tensor:
        """Draw noise z ~ N(0, I), (count, latent), from torch's global generator."""
        return torch.randn(count, self.config.latent, device=self.device)

    def decode(self, codes: Codes) -> Images:
        return to_unit(self.generator(codes))

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))


def initialise(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02^2) and normalisation scales from N(1, 0.02^2); set biases to zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
