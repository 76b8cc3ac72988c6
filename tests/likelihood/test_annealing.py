"""Annealed importance sampling against a decoder whose likelihood is known in closed form."""

import itertools
import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from pipeline.likelihood.annealing import (
    ACCEPTED,
    LogLikelihood,
    lower_estimate,
    moved,
    temperatures,
    tuned,
    upper_estimate,
)

LATENT, PIXELS, NOISE, IMAGES, CHAINS = 3, 8, 0.4, 6, 16


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


LOADINGS = torch.randn(PIXELS, LATENT, generator=seeded())
CODES = torch.randn(IMAGES, LATENT, generator=seeded(1))
OBSERVED = CODES @ LOADINGS.T + NOISE * torch.randn(IMAGES, PIXELS, generator=seeded(2))
TRUTH = MultivariateNormal(torch.zeros(PIXELS), LOADINGS @ LOADINGS.T + NOISE**2 * torch.eye(PIXELS)).log_prob(OBSERVED)


def linear(codes: torch.Tensor) -> torch.Tensor:
    """The log-likelihood of a linear decoder with Gaussian noise."""
    error = (OBSERVED[:, None] - codes @ LOADINGS.T).square().sum(2)
    return -error / (2 * NOISE**2) - PIXELS / 2 * math.log(2 * math.pi * NOISE**2)


def prior(seed: int) -> torch.Tensor:
    return torch.randn(IMAGES, CHAINS, LATENT, generator=seeded(seed))


def posterior(seed: int) -> torch.Tensor:
    """Exact draws of the codes given the images."""
    precision = LOADINGS.T @ LOADINGS / NOISE**2 + torch.eye(LATENT)
    mean = OBSERVED @ LOADINGS @ torch.linalg.inv(precision) / NOISE**2
    root = torch.linalg.cholesky(torch.linalg.inv(precision))
    return mean[:, None] + torch.randn(IMAGES, CHAINS, LATENT, generator=seeded(seed)) @ root.T


def test_the_temperatures_rise_from_0_to_1_with_small_steps_at_both_ends() -> None:
    betas = temperatures(100)
    steps = betas.diff()
    assert betas[0] == 0 and betas[-1] == 1 and (steps > 0).all()
    assert steps[0] < steps[50] / 5 and steps[-1] < steps[50] / 5


def test_a_step_leaves_the_posterior_as_it_is() -> None:
    """At beta = 1, from exact draws."""
    codes = torch.cat([posterior(seed) for seed in range(200)], 1)
    start = codes
    for seed in range(5):
        codes, accepted = moved(linear, codes, 1.0, torch.full((IMAGES,), 0.15), seeded(seed))
    assert (accepted > 0.5).all() and (codes - start).abs().mean() > 0.1
    torch.testing.assert_close(codes.mean(1), start.mean(1), atol=0.02, rtol=0)
    torch.testing.assert_close(codes.var(1), start.var(1), atol=0.01, rtol=0.1)


def test_the_step_size_is_tuned_to_the_share_of_accepted_proposals() -> None:
    sizes = tuned(linear, prior(0), 300, seeded(7))
    for beta in (0.1, 1.0):
        codes = torch.cat([posterior(seed) for seed in range(100)], 1) if beta == 1 else prior(5)
        for seed in range(10):
            codes, accepted = moved(linear, codes, beta, sizes.at(beta), seeded(seed))
        assert abs(accepted.mean() - ACCEPTED) < 0.15
    assert (sizes.at(0.01) > sizes.at(1.0)).all(), "the posterior is narrower than the prior"


@pytest.mark.parametrize("steps", [10, 400])
def test_estimates_enclose_the_truth(steps: int) -> None:
    sizes = tuned(linear, prior(0), 100, seeded(7))
    low = torch.stack([lower_estimate(linear, prior(s), steps, sizes, seeded(100 + s)) for s in range(10)])
    high = torch.stack([upper_estimate(linear, posterior(s), steps, sizes, seeded(100 + s)) for s in range(10)])
    errors = (low - TRUTH).mean().item(), (high - TRUTH).mean().item()
    if steps == 400:
        assert all(abs(error) < 0.15 for error in errors)
    else:
        assert errors[0] < -0.3 and errors[1] > 0.3


def test_a_weight_that_is_taken_after_the_move_is_noticed() -> None:
    """A planted bug: the weight uses the codes of the next temperature."""

    def late(log_likelihood: LogLikelihood, codes: torch.Tensor, steps: int, seed: int) -> torch.Tensor:
        sizes, betas, total = tuned(linear, prior(0), 100, seeded(7)), temperatures(steps).tolist(), 0.0
        for before, beta in itertools.pairwise(betas):
            codes, _ = moved(log_likelihood, codes, beta, sizes.at(beta), seeded(seed))
            total = total + (beta - before) * log_likelihood(codes)
        return total.logsumexp(1) - math.log(codes.shape[1])

    assert (late(linear, prior(1), 20, 1) - TRUTH).mean() > 0.3
