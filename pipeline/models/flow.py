"""A normalising flow of affine couplings (Dinh et al., 2017; Kingma & Dhariwal, 2018).

An invertible function $f$ turns images into noise $z = f(v) \\sim N(0, I)$, and its inverse turns noise into images.
The density of an image follows from the change of variables:
$\\log p(v) = \\log N(f(v); 0, I) + \\log |\\det \\partial f / \\partial v|$.

A grey level becomes a number $v = (level + u) / 256$ with uniform noise $u$, drawn anew each time that an image is
seen. Then it becomes the normal quantile of its rank in this pixel of the training images, as in the family `gmm`. The
loss is $784 \\log 256 - \\log p(v)$, in nats per image. By Jensen's inequality its mean over $u$ bounds $-\\log P(x)$
of the grey levels $x$ from above.

The layers come in pairs. First one matrix mixes the channels of each place. Then a coupling keeps one half $a$ of the
channels, and scales and shifts the other: $b \\mapsto b \\, e^{s(a)} + t(a)$. The network of $s$ and $t$ need not be
invertible. Images are folded to 4 channels at half of their side, then to 16 at a quarter. The networks are
convolutions, with a bias of each place; at a quarter of the side, dense layers that see all places add to them. In the
end each number is scaled and shifted by itself.

To sample, draw $z$ and invert the layers, last to first.
"""

import math
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import Decay, Density, DrawsInSteps, Exhibit, Objective, TrainedModel, TrainingConfig
from pipeline.models.common.couplings import (
    Both,
    Coupling,
    Fold,
    Invertible,
    Scale,
    Turn,
    convolutions,
    dense_layers,
    unfolded,
)
from pipeline.models.common.quantiles import LOG_2_PI, Quantiles, dequantised

CHANNELS = 4, 16  # of the two foldings


class Flow(TrainedModel, Density, DrawsInSteps):
    """Hold the quantiles and the invertible layers."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 6
        batch_size: PositiveInt = 128
        lr: float = Field(2e-3, gt=0)
        linear_decay: bool = True
        ema: Decay = 0.99
        fine: PositiveInt = 4  # couplings at half of the side
        coarse: PositiveInt = 8  # couplings at a quarter of the side
        fine_channels: PositiveInt = 48
        coarse_channels: PositiveInt = 96
        hidden: PositiveInt = 512  # units of the dense layers
        side: PositiveInt = Field(28, multiple_of=4)  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "levels"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "exact"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        half, quarter, (few, many) = config.side // 2, config.side // 4, CHANNELS
        self.quantiles = Quantiles(config.side**2)
        layers: list[Invertible] = [Fold()]
        for _ in range(config.fine):
            layers += [Turn(few), Coupling(convolutions(few, config.fine_channels, half))]
        layers += [Fold()]
        for _ in range(config.coarse):
            near = convolutions(many, config.coarse_channels, quarter)
            far = dense_layers(many, config.hidden, quarter)
            layers += [Turn(many), Coupling(Both(near, far))]
        self.layers = nn.ModuleList([*layers, Scale(many, quarter)])

    @property
    def invertible(self) -> list[Invertible]:
        """Return the layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, Invertible)]

    def begin(self, images: Images, rng: torch.Generator) -> None:
        self.quantiles.fit(images.flatten(1))

    def transformed(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the noise of quantiles x (n, 1, side, side), and the log-determinant (n,)."""
        total = x.new_zeros(len(x))
        for layer in self.invertible:
            x, log_det = layer(x)
            total = total + log_det
        return x, total

    def inverted(self, z: Tensor) -> Tensor:
        """Return the quantiles of noise."""
        for layer in reversed(self.invertible):
            z = layer.inverse(z)
        return z

    def log_density(self, v: Tensor) -> Nats:
        """Return the log-density of v (n, 1, side, side) in [0, 1), float64."""
        x, log_slope = self.quantiles(v.flatten(1))
        z, log_det = self.transformed(x.view(v.shape))
        log_normal = (z.square() + LOG_2_PI).flatten(1).sum(1) / -2
        return log_normal + log_det + log_slope.sum(1)

    def objectives(self, images: Images) -> Iterator[Objective]:
        levels = (255 * images).round().double()
        log_density = self.log_density((levels + torch.rand_like(levels)) / 256)
        yield Objective(self, {"nats": images[0].numel() * math.log(256) - log_density.mean()})

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator) -> Nats:
        return self.log_density(dequantised(images, rng)) - images[0].numel() * math.log(256)

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        quarter = self.config.side // 4
        z = torch.randn(count, CHANNELS[1], quarter, quarter, generator=rng).to(self.device)
        x = self.inverted(z)
        return (256 * self.quantiles.inverse(x.flatten(1)).view_as(x)).floor().float() / 255

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        quarter = self.config.side // 4
        z = torch.randn(8, CHANNELS[1], quarter, quarter, generator=rng).to(self.device)
        shown, apart = [unfolded(z)], -(-len(self.layers) // 7)
        for undone, layer in enumerate(reversed(self.invertible), 1):
            z = layer.inverse(z)
            if undone % apart == 0 and undone < len(self.layers):
                shown.append(unfolded(z))
        ranks = [torch.special.ndtr(x) for x in [*shown, z]]
        image = self.quantiles.inverse(z.flatten(1)).view_as(z).float()
        return Exhibit(
            "From noise to an image",
            "Each row is one sample: noise, then what it becomes as the layers are inverted one after another, and the "
            "image. All but the image are shown as normal ranks.",
            torch.cat([*ranks, image], 1),
        )
