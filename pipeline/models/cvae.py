"""A conditional variational autoencoder (Sohn et al., 2015) that uses the networks of the paper's VAE.

Encoder and decoder receive the class $y$ of an image as a one-hot vector. It is concatenated with the pixels, the input
of the encoder, and with the code, the input of the decoder. The decoder gives a probability of ink for each pixel. Both
networks minimise the negative evidence lower bound of $\\log p(x|y)$, in nats per image. It is the sum of two terms:

- the binary cross entropy between the image and its reconstruction, summed over the pixels;
- $D_{KL}(q(z|x, y) \\| N(0, I))$, times `beta` (1 in the paper).

The prior of the code is the same for all classes, the simpler of the two forms that Sohn et al. name. So the code only
needs to hold what the label does not say, such as slant and width. Pixels are grey rather than black or white, so the
cross entropy is a loss and not a likelihood.

To sample an image of class $y$, draw $z \\sim N(0, I)$ and decode it with $y$. The images shown are the decoder's
means. Images drawn from the Bernoulli distribution with these means are kept as a second set, the observations. The
code of an image depends on its label, so the report has no map of this latent space.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Codes, Images, Labels
from pipeline.models.base import Conditional, ConditionalConfig, ConditionalDecoder, Objective, PixelwiseObservations
from pipeline.models.common.blocks import SigmoidInLoss, cross_entropy_of_pixels, joined


class Cvae(Conditional, ConditionalDecoder, PixelwiseObservations):
    """Combine the networks of Tables 3 and 4, with the label as an input; train them by Algorithm 2 and Listing 1."""

    class Config(ConditionalConfig):
        epochs: PositiveInt = 5
        batch_size: PositiveInt = 100
        lr: float = Field(1e-3, gt=0)
        latent: PositiveInt = 2
        beta: float = Field(1.0, ge=0)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.encoder = Encoder(784 + config.classes, config.latent)
        self.decoder = nn.Sequential(
            *(nn.Linear(config.latent + config.classes, 256), nn.ReLU()),
            *(nn.Linear(256, 512), nn.ReLU()),
            *(nn.Linear(512, 784), SigmoidInLoss()),
        )

    def objectives(self, images: Images, labels: Labels) -> Iterator[Objective]:
        # Draw a code from the posterior (the reparametrisation trick), and decode it with the label.
        x = images.flatten(1)  # (b, 784)
        mean, log_var = self.encoder(joined(x, labels, self.config.classes))  # (b, latent) each
        z = mean + (0.5 * log_var).exp() * torch.randn_like(mean)
        logits = self.logits(z, labels)

        # Reconstruction loss plus KL divergence. Listing 1 sums over the batch; we average, and Adam ignores the scale.
        bce = cross_entropy_of_pixels(logits, x) / len(x)
        kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).sum() / len(x)
        yield Objective(self, {"reconstruction": bce, "kl": self.config.beta * kl})

    def logits(self, codes: Codes, labels: Labels) -> Tensor:
        """Return the decoder's logits of ink, (n, 784) in float32."""
        return self.decoder(joined(codes, labels, self.config.classes)).float()

    def decode_labelled(self, codes: Codes, labels: Labels) -> Images:
        return self.logits(codes, labels).sigmoid().view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample_labelled(self, labels: Labels, rng: torch.Generator) -> Images:
        z = torch.randn(len(labels), self.config.latent, generator=rng)
        return self.decode_labelled(z.to(self.device), labels.to(self.device))

    def observe(self, means: Images, rng: torch.Generator) -> Images:
        return (torch.rand(means.shape, generator=rng).to(means.device) < means).float()


class Encoder(nn.Module):
    """Map an image and its label to the mean and log-variance of q(z|x, y), as in Table 3: a trunk with two heads."""

    def __init__(self, inputs: int, latent: int) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            *(nn.Linear(inputs, 512), nn.ReLU()),
            *(nn.Linear(512, 256), nn.ReLU()),
        )
        self.mean = nn.Linear(256, latent)
        self.log_var = nn.Linear(256, latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of q(z|x, y), (b, latent) each, in float32."""
        hidden = self.trunk(x)
        return self.mean(hidden).float(), self.log_var(hidden).float()
