"""A convolutional variational autoencoder, built from the networks of the family `dcgan`.

The two families are partners: their networks correspond, so they differ mainly in how they learn. The loss is that of
the family `vae` (Kingma & Welling, 2014), in nats per image. It is the sum of two terms:

- the binary cross entropy between the image and its reconstruction, summed over the pixels;
- $D_{KL}(q(z|x) \\| N(0, I)) = -\\frac{1}{2} \\sum_j (1 + \\log \\sigma_j^2 - \\mu_j^2 - \\sigma_j^2)$, times `beta`.

The decoder is the generator of `dcgan`, layer by layer, with a code of the same size. It ends in the probability of
ink for each pixel instead of a tanh. The encoder has the convolutions of that family's discriminator, but a larger
head: a $1 \\times 1$ convolution to 16 channels, followed by two dense layers. These give the mean $\\mu$ and the
log-variance of a Gaussian posterior $q(z|x)$. In all, the model has 17 % more weights than the GAN.

To sample, draw $z \\sim N(0, I)$ and decode it. The images shown are the decoder's means. Images drawn from the
Bernoulli distribution with these means are kept as a second set, the observations.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Objective, PixelwiseObservations, TrainedModel, TrainingConfig, Variational
from pipeline.models.common.blocks import SigmoidInLoss, cross_entropy_of_pixels


class ConvVae(TrainedModel, Variational, PixelwiseObservations):
    """Combine a convolutional encoder and decoder; train them by the paper's Algorithm 2 with the loss of Listing 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 25
        batch_size: PositiveInt = 128
        lr: float = Field(1e-3, gt=0)
        latent: PositiveInt = 100
        beta: float = Field(1.0, ge=0)
        slope: float = Field(0.2, ge=0, lt=1)  # of the encoder's LeakyReLU, below zero

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = Encoder(config.latent, config.slope)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (config.latent, 1, 1)),
            *(nn.ConvTranspose2d(config.latent, 128, 7, bias=False), nn.BatchNorm2d(128), nn.ReLU()),
            *(nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
            *(nn.ConvTranspose2d(64, 1, 4, 2, 1), SigmoidInLoss()),
        )

    def objectives(self, images: Images) -> Iterator[Objective]:
        # Draw a code from the posterior (the reparametrisation trick), and decode it.
        mean, log_var = self.posterior(images)  # (b, latent) each
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        logits = self.decoder(z).float()  # (b, 1, 28, 28)

        # Reconstruction loss plus KL divergence. Listing 1 sums over the batch; we average, and Adam ignores the scale.
        bce = cross_entropy_of_pixels(logits, images) / len(images)
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum() / len(images)
        yield Objective(self, {"reconstruction": bce, "kl": self.config.beta * kl})

    def posterior(self, images: Images) -> tuple[Codes, Codes]:
        return self.encoder(images)

    def decode(self, codes: Codes) -> Images:
        return self.decoder(codes).float().sigmoid()

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))

    def observe(self, means: Images, rng: torch.Generator) -> Images:
        return (torch.rand(means.shape, generator=rng).to(means.device) < means).float()


class Encoder(nn.Module):
    """Map an image to the mean and log-variance of q(z|x): a convolutional trunk with two heads."""

    def __init__(self, latent: int, slope: float) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(slope)),
            *(nn.Conv2d(64, 128, 4, 2, 1, bias=False), nn.BatchNorm2d(128), nn.LeakyReLU(slope)),
            *(nn.Conv2d(128, 16, 1), nn.LeakyReLU(slope), nn.Flatten()),
        )
        self.mean = nn.Linear(16 * 7 * 7, latent)
        self.log_var = nn.Linear(16 * 7 * 7, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of q(z|x), (b, latent) each, in float32."""
        hidden = self.trunk(x)
        return self.mean(hidden).float(), self.log_var(hidden).float()
