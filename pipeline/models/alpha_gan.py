"""Alpha-GAN (Rosca et al., 2017): the hybrid of GAN and VAE that the paper's conclusion hopes for.

The generator of a GAN is also the decoder of an autoencoder: an encoder $E$ gives each image $x$ a code $E(x)$, and
$G(E(x))$ should be $x$ again, which keeps G from leaving out what it finds hard. The two parts of a VAE's loss become
games. A discriminator $D$ tells real images from reconstructions and from samples $G(z)$, in place of a likelihood; a
code discriminator $C$ tells noise $z \\sim N(0, I)$ from codes, in place of the KL divergence. In turn, in nats, with
reconstructions and samples counting for one half each,

- D descends $-\\log D(x) - \\frac{1}{2} \\log(1 - D(G(E(x)))) - \\frac{1}{2} \\log(1 - D(G(z)))$;
- C descends $-\\log C(z) - \\log(1 - C(E(x)))$;
- E descends $\\lambda |x - G(E(x))| + \\log(1 - C(E(x))) - \\log C(E(x))$;
- G descends $\\lambda |x - G(E(x))| + \\frac{1}{2} r(G(E(x))) + \\frac{1}{2} r(G(z))$ with
  $r(x) = \\log(1 - D(x)) - \\log D(x)$.

The distance $|x - G(E(x))|$ is the mean over pixels in [-1, 1], and `reconstruction`, $\\lambda$, is 100. Generator
and discriminator are those of the family `gan`, but for the size of the code; the encoder is that of `vae` with one
head: a code is a point, and it is C that shapes all codes together like the noise. Points from images cannot fill the
128 dimensions of that GAN's noise: tried so, with $\\lambda$ = 10, the codes lay far off the middle and said little of
their images. With 16 dimensions they spread as the noise does.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import l1_loss, softplus

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Adversarial, Autoencoder, Decay, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import Dropout, SigmoidInLoss, to_signed, to_unit


class AlphaGan(TrainedModel, Adversarial, Autoencoder):
    """Tables 1, 2 and 3, and a code discriminator, trained by Algorithm 1 of Rosca et al."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 128
        lr: float = Field(2e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.9)
        latent: PositiveInt = 16
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, left of zero
        dropout: float = Field(0.3, ge=0, lt=1)  # after the discriminator's hidden layers
        reconstruction: float = Field(100.0, ge=0)  # the weight of the distance

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = nn.Sequential(
            *(nn.Linear(config.latent, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 1024), nn.LeakyReLU(config.slope)),
            *(nn.Linear(1024, 784), nn.Tanh()),
        )
        self.discriminator = nn.Sequential(
            *(nn.Linear(784, 1024), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(1024, 512), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(512, 256), nn.LeakyReLU(config.slope), Dropout(config.dropout)),
            *(nn.Linear(256, 1), SigmoidInLoss()),
        )
        self.encoder = nn.Sequential(
            *(nn.Linear(784, 512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.ReLU()),
            nn.Linear(256, config.latent),
        )
        self.code_judge = nn.Sequential(
            *(nn.Linear(config.latent, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 1), SigmoidInLoss()),
        )

    def objectives(self, images: Images) -> Iterator[Objective]:
        x = to_signed(images).flatten(1)  # (b, 784)
        with torch.no_grad():
            codes, noise = self.encoder(x), self.noise(len(x))  # (b, latent) each
            made = self.generator(torch.cat([codes, noise]))  # (2b, 784)
        logits = self.discriminator(torch.cat([x, made])).float()  # (3b, 1)
        real, fake = logits[: len(x)], logits[len(x) :]
        yield Objective(
            self.discriminator,
            {"real_loss": softplus(-real).mean(), "fake_loss": softplus(fake).mean()},
            {
                "D_real": real.sigmoid().mean(),
                "D_fake": fake.sigmoid().mean(),
                "D_right": ((real > 0).float().mean() + (fake < 0).float().mean()) / 2,
            },
        )
        prior, posterior = self.code_judge(torch.cat([noise, codes])).float().chunk(2)
        yield Objective(
            self.code_judge,
            {"prior_loss": softplus(-prior).mean(), "posterior_loss": softplus(posterior).mean()},
        )
        # With a logit a, log(1 - p) - log(p) = -a.
        codes = self.encoder(x)
        yield Objective(
            self.encoder,
            {
                "encoder_distance": self.distance(self.generator(codes), x),
                "encoder_loss": -self.code_judge(codes).float().mean(),
            },
        )
        with torch.no_grad():
            codes = self.encoder(x)
        made = self.generator(torch.cat([codes, self.noise(len(x))]))
        yield Objective(
            self.generator,
            {
                "generator_distance": self.distance(made[: len(x)], x),
                "generator_loss": -self.discriminator(made).float().mean(),
            },
        )

    def distance(self, reconstructed: Tensor, x: Tensor) -> Tensor:
        """Lambda times the mean absolute difference of two sets (b, 784)."""
        return self.config.reconstruction * l1_loss(reconstructed.float(), x)

    def encode(self, images: Images) -> Codes:
        return self.encoder(to_signed(images).flatten(1)).float()

    def decode(self, codes: Codes) -> Images:
        return to_unit(self.generator(codes).float()).view(-1, 1, 28, 28)

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float()

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))
