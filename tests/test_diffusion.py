"""The diffusion model against a distribution of a few images, whose velocity is known in closed form."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.models.diffusion import Diffusion

WEIGHTS = torch.tensor([0.5, 0.3, 0.15, 0.05])
ENTROPY = -(WEIGHTS * WEIGHTS.log()).sum().item()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


PATTERNS = (torch.rand(4, 1, 4, 4, generator=seeded()) * 255).round() / 255  # grey images of 4 x 4 pixels


class Known(Diffusion):
    """Has the velocity of the four patterns with their weights."""

    def velocity(self, z: Tensor, t: Tensor) -> Tensor:
        means = 2 * PATTERNS - 1
        t = t.view(-1, 1, 1, 1)
        distance = (z[:, None] - (1 - t[:, None]) * means[None]).square().flatten(2).sum(2)
        posterior = (WEIGHTS.log() - distance / (2 * t.view(-1, 1) ** 2)).softmax(1)
        return (z - torch.einsum("nk,kcyx->ncyx", posterior, means)) / t


@pytest.fixture(scope="module")
def known() -> Known:
    return Known(Known.Config(side=4, steps=60)).eval()


def which(images: Tensor) -> Tensor:
    """Return the nearest pattern of each image."""
    return (images[:, None] - PATTERNS[None]).flatten(2).square().sum(2).argmin(1)


def test_the_bound_is_tight_where_the_velocity_is_exact(known: Known) -> None:
    drawn = torch.multinomial(WEIGHTS, 20_000, replacement=True, generator=seeded(1))
    bound = -known.log_prob(PATTERNS[drawn], seeded(2))
    error = bound.std().item() / math.sqrt(len(bound))
    assert error < 0.05 and abs(bound.mean().item() - ENTROPY) < 4 * error


def test_a_wrong_velocity_loosens_the_bound(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    right = known.velocity
    images = PATTERNS[torch.multinomial(WEIGHTS, 2000, replacement=True, generator=seeded(1))]
    before = known.log_prob(images, seeded(2)).mean()
    monkeypatch.setattr(known, "velocity", lambda z, t: right(z, t) + 0.3)
    # The error of each pixel adds its square, over all times: (0.3)^2 x 16 pixels x the integral of (1 - t) / t.
    first = known.config.first
    expected = 0.09 * 16 * (math.log(1 / first) - (1 - first))
    assert (before - known.log_prob(images, seeded(2)).mean()).item() == pytest.approx(expected, rel=0.15)


def test_samples_are_the_patterns_as_often_as_their_weights_say(known: Known) -> None:
    drawn = known.sample(4000, seeded(3))
    nearest = which(drawn)
    assert (drawn - PATTERNS[nearest]).abs().max() < 0.02
    shares = nearest.bincount(minlength=4) / len(nearest)
    assert (shares - WEIGHTS).abs().max() < 0.04


@pytest.mark.parametrize("first", [0.001, 0.02])
def test_the_levels_are_read_off_with_probabilities_that_sum_to_one(first: float) -> None:
    """Against a softmax over the 256 levels, which is written out here."""
    model = Diffusion(Diffusion.Config(side=4, first=first))
    levels = torch.linspace(-1, 1, 256)
    x = levels[torch.randint(256, (3, 1, 4, 4), generator=seeded())]
    found = model.level_given_first(x, seeded(4))
    z = (1 - first) * x + first * torch.randn(x.shape, generator=seeded(4))
    log_p = ((z[..., None] - (1 - first) * levels).square() / (-2 * first**2)).log_softmax(-1)
    chosen = ((x[..., None] - levels).abs() < 1e-6).double().argmax(-1, keepdim=True)
    torch.testing.assert_close(found, log_p.gather(-1, chosen).flatten(1).sum(1), atol=2e-3, rtol=1e-3)
