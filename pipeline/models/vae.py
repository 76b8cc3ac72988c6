"""The variational autoencoder (Kingma & Welling, 2014) with the networks of the paper.

The encoder gives the mean $\\mu$ and the log-variance of a Gaussian posterior $q(z|x)$ over a two-dimensional code. The
decoder gives a probability of ink for each pixel. Both networks minimise the negative evidence lower bound, in nats per
image. It is the sum of two terms:

- the binary cross entropy between the image and its reconstruction, summed over the pixels;
- $D_{KL}(q(z|x) \\| N(0, I)) = -\\frac{1}{2} \\sum_j (1 + \\log \\sigma_j^2 - \\mu_j^2 - \\sigma_j^2)$, times
  `beta` (1 in the paper; see Higgins et al., 2017, for other values).

Pixels are grey rather than black or white, so the cross entropy is a loss and not a likelihood.

To sample, draw $z \\sim N(0, I)$ and decode it. The images shown are the decoder's means, as in the paper. Images drawn
from the Bernoulli distribution with these means are kept as a second set, the observations.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Objective, PixelwiseObservations, TrainedModel, TrainingConfig, Variational
from pipeline.models.common.blocks import SigmoidInLoss, cross_entropy_of_pixels


class Vae(TrainedModel, Variational, PixelwiseObservations):
    """Combine the networks of Tables 3 and 4; train them by Algorithm 2 with the loss of Listing 1."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 5
        batch_size: PositiveInt = 100
        lr: float = Field(1e-3, gt=0)
        latent: PositiveInt = 2
        beta: float = Field(1.0, ge=0)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = Encoder(config.latent)
        self.decoder = nn.Sequential(
            *(nn.Linear(config.latent, 256), nn.ReLU()),
            *(nn.Linear(256, 512), nn.ReLU()),
            *(nn.Linear(512, 784), SigmoidInLoss()),
        )

    def objectives(self, images: Images) -> Iterator[Objective]:
        # Draw a code from the posterior (the reparametrisation trick), and decode it.
        x = images.flatten(1)  # (b, 784)
        mean, log_var = self.posterior(images)  # (b, latent) each
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        logits = self.decoder(z).float()  # (b, 784)

        # Reconstruction loss plus KL divergence. Listing 1 sums over the batch; we average, and Adam ignores the scale.
        bce = cross_entropy_of_pixels(logits, x) / len(x)
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum() / len(x)
        yield Objective(self, {"reconstruction": bce, "kl": self.config.beta * kl})

    def posterior(self, images: Images) -> tuple[Codes, Codes]:
        return self.encoder(images.flatten(1))

    def decode(self, codes: Codes) -> Images:
        return self.decoder(codes).float().sigmoid().view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))

    def observe(self, means: Images, rng: torch.Generator) -> Images:
        return (torch.rand(means.shape, generator=rng).to(means.device) < means).float()


class Encoder(nn.Module):
    """Map an image to the mean and log-variance of q(z|x), as in Table 3: a trunk with two heads."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Linear(784, 512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.ReLU()),
        )
        self.mean = nn.Linear(256, latent)
        self.log_var = nn.Linear(256, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of q(z|x), (b, latent) each, in float32."""
        hidden = self.trunk(x)
        return self.mean(hidden).float(), self.log_var(hidden).float()
