"""An autoregressive model: MADE with one hidden layer (Germain et al., 2015).

Any distribution over images is a product of conditionals, one a pixel, in an order of the pixels:
$p(b) = \\prod_i p(b_i | b_1, \\dots, b_{i-1})$. Here the order is that of reading, and the pixels are ink, 0 or 1. One
network gives all conditionals at once, because masks remove each connection from a pixel to its predecessors:

$\\operatorname{logit} p(b_i = 1 | b_{<i}) = c_i + \\sum_{j < i} A_{ij} b_j + \\sum_{k: d_k < i} V_{ik}
\\operatorname{ReLU}\\Bigl(a_k + \\sum_{j \\le d_k} W_{kj} b_j\\Bigr)$.

The hidden unit $k$ sees the pixels up to $d_k$ and serves those after it; the $d_k$ are spread evenly. The loss is the
negative log-probability in nats per image, of ink that is drawn anew each time that an image is seen.

To sample, draw one pixel after the other. With one hidden layer a new pixel changes each hidden unit by one weight, so
an image costs no more than one pass through the network. The images shown are the means, that is the probability of
each pixel given those drawn before it. The ink itself is kept as a second set, the observations.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import linear

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    Decay,
    Density,
    DrawsInSteps,
    Exhibit,
    Objective,
    ObservationModel,
    TrainedModel,
    TrainingConfig,
)
from pipeline.models.common.blocks import cross_entropy_of_pixels, ink


class Autoregressive(TrainedModel, Density, ObservationModel, DrawsInSteps):
    """Hold the weights and the masks of MADE."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 8
        batch_size: PositiveInt = 128
        lr: float = Field(2e-3, gt=0)
        ema: Decay = 0.998
        hidden: PositiveInt = 1000
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "ink"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "exact"
    sees: Tensor
    serves: Tensor
    before: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        hidden, pixels = config.hidden, config.side**2
        self.encode = nn.Linear(pixels, hidden)
        self.decode = nn.Linear(hidden, pixels)
        self.direct = nn.Parameter(torch.zeros(pixels, pixels))

        # Hidden unit k sees the first degrees[k] pixels, from 1 to all but the last, and serves those after them.
        self.degrees: np.ndarray = np.linspace(1, max(pixels - 1, 1), hidden).round().astype(int)
        place, degrees = torch.arange(pixels), torch.tensor(self.degrees)
        self.register_buffer("sees", (place[None, :] < degrees[:, None]).float(), persistent=False)
        self.register_buffer("serves", (degrees[None, :] <= place[:, None]).float(), persistent=False)
        self.register_buffer("before", (place[None, :] < place[:, None]).float(), persistent=False)

    def logits(self, pixels: Tensor) -> Tensor:
        """Return the logit of ink for each pixel given those before it, (n, pixels), in float32."""
        hidden = linear(pixels, self.encode.weight * self.sees, self.encode.bias).relu()
        served = linear(hidden, self.decode.weight * self.serves, self.decode.bias)
        return (served + linear(pixels, self.direct * self.before)).float()

    def objectives(self, images: Images) -> Iterator[Objective]:
        drawn = ink(images.flatten(1))
        yield Objective(self, {"nats": cross_entropy_of_pixels(self.logits(drawn), drawn) / len(drawn)})

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator) -> Nats:
        pixels = images.flatten(1)
        logits = self.logits(pixels)
        return -nn.functional.binary_cross_entropy_with_logits(logits, pixels, reduction="none").sum(dim=1)

    @torch.no_grad()
    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        side, device = self.config.side, self.device
        uniform = torch.rand(side**2, count, generator=rng).to(device)
        # Pixels lie in rows here, so that each is one block of memory. Hidden units are ordered by their degrees.
        sees, serves = (self.encode.weight * self.sees).T.contiguous(), self.decode.weight
        hidden = self.encode.bias[:, None].repeat(1, count)
        means, drawn = torch.zeros(side**2, count, device=device), torch.zeros(side**2, count, device=device)
        for i, of in enumerate(np.searchsorted(self.degrees, np.arange(side**2), side="right").tolist()):
            logit = self.decode.bias[i] + serves[i, :of] @ hidden[:of].relu() + self.direct[i, :i] @ drawn[:i]
            means[i] = logit.sigmoid()
            drawn[i] = (uniform[i] < means[i]).float()
            hidden[of:] += sees[i, of:, None] * drawn[i]  # units of higher degrees see this pixel
        return means.T.reshape(count, 1, side, side), drawn.T.reshape(count, 1, side, side)

    def sample(self, count: int, rng: torch.Generator) -> Images:
        return self.sample_observed(count, rng)[0]

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        side, pixels = self.config.side, self.config.side**2
        means, drawn = (each.flatten(1) for each in self.sample_observed(8, rng))
        place = torch.arange(pixels, device=means.device)
        steps = [torch.where(place < pixels * share // 7, drawn, 0.5) for share in range(1, 8)]
        return Exhibit(
            "Pixel by pixel",
            "Each row is one sample in the order of reading. Grey pixels are not drawn yet. The last column is the "
            "probability that each pixel had when it was drawn.",
            torch.stack([*steps, means], 1).unflatten(2, (side, side)),
        )
