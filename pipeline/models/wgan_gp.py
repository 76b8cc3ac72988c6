"""Wasserstein GAN with gradient penalty (Gulrajani et al., 2017), with the networks of the paper's GAN.

The discriminator becomes a critic $f$: it gives no probability but a number, without a sigmoid, and its slope is held
near one. Then $E\\,f(x) - E\\,f(G(z))$ is close to the distance that the generator's images would have to be moved to
become real ones (the Wasserstein distance of Arjovsky et al., 2017, with pixels in [-1, 1]), and it still has a
gradient where the two are told apart with ease: the cure for the vanishing gradient of the paper's Figures 3 and 4.

The critic descends $f(G(z)) - f(x) + \\lambda (\\|\\nabla f(\\hat{x})\\| - 1)^2$ with $\\lambda$ = 10 and
$\\hat{x}$ at a random place on the line between a real and a generated image; then the generator descends $-f(G(z))$.
The critic moves five times as often: each batch of 250 is cut into five parts of 50, one for each of its moves, so
all of them are on fresh images, as in the authors' code. It has no dropout, as there.

The loss leaves free where $f$ is zero. So the critic has no bias at its output, and $f$ is read as a logit from the
middle between its last means for real and for generated images: that gives the probabilities that are watched, and
makes the generator's loss, as it is logged, about half of the distance.
"""

from collections.abc import Iterator

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Images
from pipeline.models.base import Adversarial, Decay, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.blocks import to_signed, to_unit


class WganGp(TrainedModel, Adversarial):
    """Tables 1 and 2 without dropout and sigmoid, trained by Algorithm 1 of Gulrajani et al."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 200
        batch_size: PositiveInt = 250  # of all the critic's moves together
        lr: float = Field(1e-4, gt=0)
        betas: tuple[Decay, Decay] = (0.5, 0.9)
        latent: PositiveInt = 128
        slope: float = Field(0.2, ge=0, lt=1)  # of LeakyReLU, left of zero
        critic_steps: PositiveInt = 5  # for each of the generator's
        gradient_penalty: float = Field(10.0, ge=0)

    config: Config
    middle: Tensor  # of f, where the critic last moved

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
        # Outside of training nothing moves, and one look at all images is enough.
        parts = x.chunk(self.config.critic_steps) if self.training else (x,)  # (b, 784) each
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
        yield Objective(self.generator, {"generator_loss": -self.fake_logits(len(parts[0])).mean()})

    def fake_logits(self, count: int) -> Tensor:
        return self.discriminator(self.generator(self.noise(count))).float() - self.middle

    def noise(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent, device=self.device)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        z = torch.randn(count, self.config.latent, generator=rng)
        images = self.generator(z.to(self.device))
        return to_unit(images).view(-1, 1, 28, 28)


def gradient_penalty(critic: nn.Module, reals: Tensor, fakes: Tensor) -> Tensor:
    """The mean of (|grad f| - 1)^2 between pairs of images (b, d), which can itself be descended."""
    place = torch.rand(len(reals), 1, device=reals.device)
    with torch.enable_grad():  # an evaluation asks for no gradients, but this value is made of them
        between = (reals + place * (fakes - reals)).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)  # (b, d)
    return (slopes.float().norm(dim=1) - 1).square().mean()
