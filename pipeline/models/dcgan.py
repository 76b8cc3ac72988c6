"""Deep convolutional GAN (Radford et al., 2016): what the paper names as its next step.

The game is that of the family `gan`, in its non-saturating form: D descends $-\\log D(x) - \\log(1 - D(G(z)))$, in
nats; then G, on fresh noise, descends $-\\log D(G(z))$ against the D that has just moved. Only the networks differ,
and follow the rules of Radford et al.: strided convolutions in D and transposed ones in G instead of pooling and
dense layers; batch normalisation in all but D's first and both last layers; ReLU in G, LeakyReLU in D; weights drawn
from $N(0, 0.02^2)$; Adam with $\\beta_1 = 0.5$. A $28 \\times 28$ image needs two doublings from $7 \\times 7$,
where their $64 \\times 64$ needed four from $4 \\times 4$: these are the two nearest the image. Their 128 and 64
channels, the kernels of $4 \\times 4$ and the normal noise are those of the code that Chintala, one of the authors,
published later.

D sees real and generated images in batches of their own, as theirs did: each batch is normalised by itself. Samples
are drawn with the running means that G has gathered while it trained, so an image does not depend on those beside it.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from pipeline.core.shapes import Images
from pipeline.models.base import Adversarial, Decay, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import SigmoidInLoss, to_signed, to_unit


class Dcgan(TrainedModel, Adversarial):
    """Generator and discriminator of convolutions, trained by the paper's Algorithm 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 25
        batch_size: PositiveInt = 128
        lr: float = Field(2e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.999)
        latent: PositiveInt = 100
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, left of zero

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
        with torch.no_grad():
            fakes = self.generator(self.noise(len(images)))  # (b, 1, 28, 28)
        real, fake = self.judge(to_signed(images)), self.judge(fakes)  # logits, (b, 1) each
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
        yield Objective(self.generator, {"generator_loss": softplus(-self.fake_logits(len(images))).mean()})

    def judge(self, images: Tensor) -> Tensor:
        """The logits of being real, (n, 1) in float32, for images (n, 1, 28, 28) in [-1, 1]."""
        return self.discriminator(images).float()

    def fake_logits(self, count: int) -> Tensor:
        return self.judge(self.generator(self.noise(count)))

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return to_unit(self.generator(z.to(self.device)))


def initialise(module: nn.Module) -> None:
    """Weights from N(0, 0.02^2), scales of the normalisation from N(1, 0.02^2), no bias."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
