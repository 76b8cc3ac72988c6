"""Alpha-GAN (Rosca et al., 2017) is a hybrid of GAN and VAE, such as the paper's conclusion hopes for.

The generator of a GAN is also the decoder of an autoencoder. An encoder $E$ maps each image $x$ to a code $E(x)$, and
the reconstruction $G(E(x))$ should equal $x$. This keeps G from leaving out images that are hard to generate. An
adversarial game replaces each of the two terms of a VAE's loss:

- In place of a likelihood, a discriminator $D$ tells real images from reconstructions and from samples $G(z)$.
- In place of the KL divergence, a code discriminator $C$ tells noise $z \\sim N(0, I)$ from codes.

Each step makes four updates in turn. The losses are in nats; reconstructions and samples have a weight of one half:

- D minimises $-\\log D(x) - \\frac{1}{2} \\log(1 - D(G(E(x)))) - \\frac{1}{2} \\log(1 - D(G(z)))$;
- C minimises $-\\log C(z) - \\log(1 - C(E(x)))$;
- E minimises $\\lambda |x - G(E(x))| + \\log(1 - C(E(x))) - \\log C(E(x))$;
- G minimises $\\lambda |x - G(E(x))| + \\frac{1}{2} r(G(E(x))) + \\frac{1}{2} r(G(z))$ with
  $r(x) = \\log(1 - D(x)) - \\log D(x)$.

The distance $|x - G(E(x))|$ is the mean absolute difference of pixels in [-1, 1]. Its weight $\\lambda$ is the setting
`reconstruction`, 100 by default. Generator and discriminator are those of the family `gan`, except for the size of the
code. The encoder is that of `vae` with a single head: a code is a point, and C makes all codes together match the
noise.

The code is smaller than the 128 numbers of that GAN's noise, because codes of images cannot fill so many dimensions. In
a trial with 128 dimensions and $\\lambda$ = 10, the codes lay far from the origin and carried little information about
their images. With 16 dimensions they are spread like the noise.
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
    """Combine the networks of Tables 1, 2 and 3 with a code discriminator; train them by Algorithm 1 of Rosca et al."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 128
        lr: float = Field(2e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.9)
        latent: PositiveInt = 16
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, below zero
        dropout: float = Field(0.3, ge=0, lt=1)  # after the discriminator's hidden layers
        reconstruction: float = Field(100.0, ge=0)  # lambda, the weight of the distance

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
        self.code_discriminator = nn.Sequential(
            *(nn.Linear(config.latent, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 1), SigmoidInLoss()),
        )

    def objectives(self, images: Images) -> Iterator[Objective]:
        # D and C learn from codes and fakes that pass no gradient to E and G.
        x = to_signed(images).flatten(1)  # (b, 784)
        with torch.no_grad():
            codes, noise = self.encoder(x), self.noise(len(x))  # (b, latent) each
            made = self.generator(torch.cat([codes, noise]))  # (2b, 784)

        # Update D: real images against reconstructions and samples.
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

        # Update C: noise against codes.
        prior, posterior = self.code_discriminator(torch.cat([noise, codes])).float().chunk(2)
        yield Objective(
            self.code_discriminator,
            {"prior_loss": softplus(-prior).mean(), "posterior_loss": softplus(posterior).mean()},
        )

        # Update E: reconstruct the image and deceive C. For p = sigmoid(a), log(1 - p) - log(p) = -a.
        codes = self.encoder(x)
        yield Objective(
            self.encoder,
            {
                "encoder_distance": self.distance(self.generator(codes), x),
                "encoder_loss": -self.code_discriminator(codes).float().mean(),
            },
        )

        # Update G: reconstruct the image from its new code; deceive D with reconstructions and fresh samples.
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
        """Return lambda times the mean absolute difference between two batches of images (b, 784)."""
        return self.config.reconstruction * l1_loss(reconstructed.float(), x)

    def encode(self, images: Images) -> Codes:
        return self.encoder(to_signed(images).flatten(1)).float()

    def decode(self, codes: Codes) -> Images:
        return to_unit(self.generator(codes).float()).view(-1, 1, 28, 28)

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float()

    def noise(self, count: int) -> Tensor:
        """Draw noise z ~ N(0, I), (count, latent), from torch's global generator."""
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))
