"""Define the invertible layers of a flow, and the networks in them."""

import abc

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle

SHARE = 0.1  # of dense layers in what a coupling does
STEEPEST = 2.0  # bounds the logarithm of a scale


def unfolded(x: Tensor) -> Tensor:
    """Return numbers of any layer (n, channels, height, width) as images (n, 1, side, side)."""
    while x.shape[1] > 1:
        x = pixel_shuffle(x, 2)
    return x


class Invertible(nn.Module, abc.ABC):
    """Define an invertible layer."""

    @abc.abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and the logarithm of |det Jacobian|: a scalar or (n,)."""

    @abc.abstractmethod
    def inverse(self, y: Tensor) -> Tensor:
        """Return the input that has this output."""


class Fold(Invertible):
    """Turn blocks of 2 x 2 numbers into channels."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last), x.new_zeros(())

    def inverse(self, y: Tensor) -> Tensor:
        return pixel_shuffle(y, 2)


class Turn(Invertible):
    """Multiply the channels of each place by one matrix, which starts as a rotation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(channels, channels)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(x.device.type, enabled=False):
            log_det = self.weight.slogdet()[1]
            return conv2d(x, self.weight[..., None, None]), x.shape[2] * x.shape[3] * log_det

    def inverse(self, y: Tensor) -> Tensor:
        return conv2d(y, self.weight.inverse()[..., None, None])


class Coupling(Invertible):
    """Scale and shift one half of the channels, as the other half says."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        kept, moved = x.chunk(2, 1)
        log_scale, shift = self.steer(kept)
        return torch.cat([kept, moved * log_scale.exp() + shift], 1), log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:
        kept, moved = y.chunk(2, 1)
        log_scale, shift = self.steer(kept)
        return torch.cat([kept, (moved - shift) * (-log_scale).exp()], 1)

    def steer(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logarithm of the scale, and the shift."""
        log_scale, shift = self.network(kept).float().chunk(2, 1)
        return STEEPEST * (log_scale / STEEPEST).tanh(), shift


class Scale(Invertible):
    """Scale and shift each number by itself."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels, side, side))
        self.shift = nn.Parameter(torch.zeros(channels, side, side))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x * self.log_scale.exp() + self.shift, self.log_scale.sum()

    def inverse(self, y: Tensor) -> Tensor:
        return (y - self.shift) * (-self.log_scale).exp()


class Place(nn.Module):
    """Add a bias of each channel and place."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, side, side))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


def convolutions(channels: int, hidden: int, side: int) -> nn.Module:
    """Return a network of places and their neighbours."""
    return nn.Sequential(
        *(nn.Conv2d(channels // 2, hidden, 3, padding=1), Place(hidden, side), nn.ReLU()),
        *(nn.Conv2d(hidden, hidden, 1), nn.ReLU()),
        zeroed(nn.Conv2d(hidden, channels, 3, padding=1)),
    )


def dense_layers(channels: int, hidden: int, side: int) -> nn.Module:
    """Return a network of all places at once."""
    half = channels // 2 * side**2
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(half, hidden), nn.ReLU()),
        *(zeroed(nn.Linear(hidden, 2 * half)), nn.Unflatten(1, (channels, side, side))),
    )


class Both(nn.Module):
    """Add what a network of neighbours says and a share of what a network of all places says.

    With a whole one, the first steps of Adam would move each output by hundreds of weights at once.
    """

    def __init__(self, neighbours: nn.Module, places: nn.Module) -> None:
        super().__init__()
        self.neighbours, self.places = neighbours, places

    def forward(self, x: Tensor) -> Tensor:
        return self.neighbours(x) + SHARE * self.places(x)


def zeroed(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Set all weights to zero, so that a coupling starts by changing nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
