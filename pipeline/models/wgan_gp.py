"""The Wasserstein GAN with gradient penalty (Gulrajani et al., 2017), built on the networks of the paper's GAN.

The discriminator becomes a critic $f$: its output is any number, without a sigmoid, and the norm of its gradient is
held near one. Then $E\\,f(x) - E\\,f(G(z))$ approximates the Wasserstein distance between real and generated images
(Arjovsky et al., 2017), with pixels in [-1, 1]. This distance has a useful gradient even where the two are easy to tell
apart. It is the remedy for the vanishing gradient of the paper's Figures 3 and 4.

- The critic minimises $f(G(z)) - f(x) + \\lambda (\\|\\nabla f(\\hat{x})\\| - 1)^2$ with $\\lambda$ = 10, where
  $\\hat{x}$ is a random point on the line between a real and a generated image.
- Then the generator minimises $-f(G(z))$.

The critic is updated five times as often. Each batch of 250 is split into five parts of 50, one for each update, so
every update sees new images, as in the authors' code. As there, the critic has no dropout.

The loss does not determine the offset of $f$, so the critic has no bias at its output. To read $f$ as a logit, we
subtract the midpoint of its last two means, over real and over generated images. This gives the probabilities that are
logged. It also makes the logged loss of the generator about half of the distance.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Codes, Images
from pipeline.models.base import Adversarial, Decay, Decoder, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import to_signed, to_unit


class WganGp(TrainedModel, Adversarial, Decoder):
    """Combine the networks of Tables 1 and 2, without dropout and sigmoid; train them as Gulrajani et al. do."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 250  # split among the critic's updates of one step
        lr: float = Field(1e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.9)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, below zero
        critic_steps: PositiveInt = 5  # updates of the critic for each one of the generator
        gradient_penalty: float = Field(10.0, ge=0)  # lambda

    config: Config
    middle: Tensor  # midpoint of f's last means over real and generated images

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.generator = nn.Sequential(
            *(nn.Linear(config.latent, 256), nn.LeakyReLU(config.slope)),
            *(nn.Linear(256, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 1024), nn.LeakyReLU(config.slope)),
            *(nn.Linear(1024, 784), nn.Tanh()),
        )
        self.discriminator = nn.Sequential(
            *(nn.Linear(784, 1024), nn.LeakyReLU(config.slope)),
            *(nn.Linear(1024, 512), nn.LeakyReLU(config.slope)),
            *(nn.Linear(512, 256), nn.LeakyReLU(config.slope)),
            nn.Linear(256, 1, bias=False),
        )
        self.register_buffer("middle", torch.zeros(()), persistent=False)

    def objectives(self, images: Images) -> Iterator[Objective]:
        x = to_signed(images).flatten(1)
        # Split the batch among the critic's updates. An evaluation updates nothing, so one pass is enough.
        parts = x.chunk(self.config.critic_steps) if self.training else (x,)  # (b, 784) each

        # Update the critic on each part: Wasserstein loss plus gradient penalty.
        for reals in parts:
            with torch.no_grad():
                fakes = self.generator(self.noise(len(reals)))
            real, fake = self.discriminator(torch.cat([reals, fakes])).float().chunk(2)  # (b, 1) each
            penalty = self.config.gradient_penalty * gradient_penalty(self.discriminator, reals, fakes)
            middle = self.middle.copy_((real.mean() + fake.mean()).detach() / 2)
            yield Objective(
                self.discriminator,
                {"critic_loss": fake.mean() - real.mean(), "gradient_penalty": penalty},
                {
                    "D_real": (real - middle).sigmoid().mean(),
                    "D_fake": (fake - middle).sigmoid().mean(),
                    "D_right": torch.cat([real > middle, fake < middle]).float().mean(),
                },
            )

        # Update the generator on fresh noise.
        yield Objective(self.generator, {"generator_loss": -self.fake_logits(len(parts[0])).mean()})

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float() - self.middle

    def noise(self, count: int) -> Tensor:
        """Draw noise z ~ N(0, I), (count, latent), from torch's global generator."""
        return torch.randn(count, self.config.latent, device=self.device)

    def decode(self, codes: Codes) -> Images:
        return to_unit(self.generator(codes)).view(-1, 1, 28, 28)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        return self.decode(z.to(self.device))


def gradient_penalty(critic: nn.Module, reals: Tensor, fakes: Tensor) -> Tensor:
    """Return the mean of (|grad f| - 1)^2 at random points between pairs of images (b, d); it can be differentiated."""
    place = torch.rand(len(reals), 1, device=reals.device)
    with torch.enable_grad():  # evaluations disable gradients, but this value is computed from one
        between = (reals + place * (fakes - reals)).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)  # (b, d)
    return (slopes.float().norm(dim=1) - 1).square().mean()
