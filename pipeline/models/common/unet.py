"""A small U-net for the velocity or the noise in an image (Ronneberger et al., 2015; Ho et al., 2020)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pixel_shuffle, pixel_unshuffle, silu

TIME = 64  # features of the time
FEW, DENSE = 16, 1024  # channels that a dense layer sees, and its hidden units


class Unet(nn.Module):
    """Map three channels of an image to one, through a half and a quarter of its side, with the time in every block.

    It has no normalisation, which is slow on a CPU.
    """

    def __init__(self, channels: int, quarter: int) -> None:
        super().__init__()
        wide, places = 2 * channels, quarter**2
        self.time = nn.Sequential(nn.Linear(1, TIME), nn.SiLU(), nn.Linear(TIME, TIME), nn.SiLU())
        self.enter = nn.Conv2d(12, channels, 3, padding=1)
        self.down = nn.ModuleList(Block(channels) for _ in range(2))
        self.halve = nn.Conv2d(channels, wide, 2, 2)
        self.middle = nn.ModuleList(
            [Whole(wide, places), Block(wide), Whole(wide, places), Block(wide), Whole(wide, places)]
        )
        self.narrow = nn.Conv2d(wide, channels, 1)
        self.up = nn.ModuleList(Block(channels) for _ in range(2))
        self.leave = nn.Conv2d(channels, 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, images: Tensor, log_time: Tensor) -> Tensor:
        time = self.time(log_time.flatten(1))
        x = self.enter(pixel_unshuffle(images, 2).contiguous(memory_format=torch.channels_last))
        for block in self.down:
            x = block(x, time)
        y = self.halve(x)
        for block in self.middle:
            y = block(y, time)
        x = x + interpolate(self.narrow(y), scale_factor=2)
        for block in self.up:
            x = block(x, time)
        return pixel_shuffle(self.leave(silu(x)), 2)


class Block(nn.Module):
    """Add two convolutions to their input, scaled and shifted by the time between them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.time = nn.Linear(TIME, 2 * channels)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[..., None, None].chunk(2, 1)
        inside = self.first(silu(x)) * (1 + scale) + shift
        return x + self.second(silu(inside))


class Whole(nn.Module):
    """Add what a dense layer makes of all places at once."""

    def __init__(self, channels: int, places: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, FEW, 1)
        self.first = nn.Linear(FEW * places, DENSE)
        self.time = nn.Linear(TIME, 2 * DENSE)
        self.second = nn.Linear(DENSE, FEW * places)
        self.leave = nn.Conv2d(FEW, channels, 1)
        nn.init.zeros_(self.leave.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        y = self.enter(silu(x))
        scale, shift = self.time(time).chunk(2, 1)
        inside = silu(self.first(y.flatten(1)) * (1 + scale) + shift)
        y = silu(y + self.second(inside).view_as(y))
        return x + self.leave(y)
