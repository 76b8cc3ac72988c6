"""Decoders with the code summed out, against all images together and against each other."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from pipeline.likelihood.decoders import FLOORS, annealed, best_floor, gap, on_grid

LATENT, PIXELS = 2, 4
WEIGHT = 2.5 * torch.randn(LATENT, PIXELS, generator=torch.Generator().manual_seed(3))
ALL = torch.tensor(list(itertools.product((0.0, 1.0), repeat=PIXELS))).view(-1, 1, 2, 2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def decode(codes: Tensor) -> Tensor:
    """A logistic decoder of images of four pixels."""
    return (codes @ WEIGHT + 0.3).sigmoid()


def test_on_a_grid_all_images_together_have_probability_one() -> None:
    log_p = on_grid(decode, LATENT, ALL, 0.0)
    assert log_p.exp().sum().item() == pytest.approx(1, abs=1e-4)
    assert log_p.max() - log_p.min() > 1


def test_the_grid_of_codes_of_one_number_gives_the_integral() -> None:
    log_p = on_grid(lambda codes: decode(torch.cat([codes, 0 * codes], -1)), 1, ALL, 0.0)
    codes = torch.randn(400_000, 1, generator=seeded())
    means = decode(torch.cat([codes, 0 * codes], -1))
    for image, found in zip(ALL, log_p, strict=True):
        chances = torch.where(image.flatten() > 0, means, 1 - means).prod(1)
        assert found.exp().item() == pytest.approx(chances.mean().item(), abs=5 * chances.std().item() / 632)


def test_annealing_finds_what_the_grid_sums() -> None:
    exact = on_grid(decode, LATENT, ALL, 0.0)
    low, _ = annealed(decode, (64, LATENT), ALL, 0.0, 100, seeded())
    assert (low - exact).abs().max() < 0.1 and (low - exact).mean().abs() < 0.02


def test_the_gap_closes_with_more_steps() -> None:
    sharp = 8 * WEIGHT

    def narrow(codes: Tensor) -> Tensor:
        return (codes @ sharp).sigmoid()

    few, many = (gap(narrow, (4, LATENT), 40, 0.0, steps, seeded()) for steps in (10, 200))
    assert few > 0 and abs(many) < few / 2


def test_a_floor_gives_every_image_a_probability() -> None:
    def black(codes: Tensor) -> Tensor:
        return 0 * codes[..., :1].expand(*codes.shape[:-1], PIXELS)

    log_p = on_grid(black, LATENT, ALL, 0.01)
    counts = ALL.flatten(1).sum(1)
    expected = counts * math.log(0.01) + (PIXELS - counts) * math.log(0.99)
    torch.testing.assert_close(log_p, expected, atol=1e-3, rtol=1e-4)


def test_the_best_floor_is_the_share_of_ink_that_the_decoder_does_not_explain() -> None:
    side = 40

    def black(codes: Tensor) -> Tensor:
        return 0 * codes[..., :1].expand(*codes.shape[:-1], side**2)

    ink = (torch.rand(4, 1, side, side, generator=seeded()) < 0.005).float()
    assert best_floor(black, (2, LATENT), ink, FLOORS, 20, seeded()) == 0.005
