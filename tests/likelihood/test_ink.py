"""Which images are asked about, and how grey becomes ink."""

import pytest
import torch

from pipeline.likelihood.protocol import inked, order


def levels(level: int, count: int = 100) -> torch.Tensor:
    """Images (count, 28, 28) of one grey level."""
    return torch.full((count, 28, 28), level, dtype=torch.uint8)


def test_ink_is_the_same_each_time_whatever_else_was_drawn() -> None:
    first = inked(levels(100))
    torch.manual_seed(3)
    torch.rand(7)
    assert torch.equal(first, inked(levels(100)))
    assert not torch.equal(first, inked(levels(100), seed=1))
    assert torch.equal(inked(levels(100), seed=1), inked(levels(100), seed=1))


def test_ink_is_images_of_zeros_and_ones_with_one_channel() -> None:
    found = inked(levels(100, 3))
    assert found.shape == (3, 1, 28, 28) and found.dtype == torch.float32
    assert set(found.unique().tolist()) == {0, 1}


@pytest.mark.parametrize("seed", range(20))
def test_black_is_never_ink_and_white_is_always(seed: int) -> None:
    """In 78 400 pixels a slip of one level would show."""
    assert (inked(levels(0), seed) == 0).all()
    assert (inked(levels(255), seed) == 1).all()


@pytest.mark.parametrize("level", [1, 2, 64, 127, 128, 200, 253, 254])
def test_other_levels_are_ink_as_often_as_they_are_grey(level: int) -> None:
    """Within four standard errors of 784 000 pixels."""
    share, wanted = inked(levels(level, 1000)).double().mean().item(), level / 255
    assert abs(share - wanted) < 4 * (wanted * (1 - wanted) / 784_000) ** 0.5


def test_pixels_are_drawn_apart() -> None:
    """Neither neighbours nor the same pixel of two images go together."""
    ink = inked(levels(128, 1000)).double()[:, 0] - 128 / 255
    for first, second in ((ink[:, 1:], ink[:, :-1]), (ink[..., 1:], ink[..., :-1]), (ink[1:], ink[:-1])):
        assert abs((first * second).mean().item()) < 4 * 0.25 / first.numel() ** 0.5


def test_at_a_higher_level_there_is_the_same_ink_and_more() -> None:
    """With the same seed."""
    less, more = inked(levels(90)), inked(levels(170))
    assert (less <= more).all() and (less < more).any()


@pytest.mark.parametrize("count", [1, 2, 50, 10_000])
def test_the_order_is_a_permutation_which_is_the_same_each_time(count: int) -> None:
    found = order(count)
    assert torch.equal(found.sort().values, torch.arange(count))
    torch.manual_seed(3)
    assert torch.equal(found, order(count))
    assert count <= 2 or not torch.equal(found, torch.arange(count))
