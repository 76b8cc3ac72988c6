"""A probabilistic context-free grammar of images: a symbol for a rectangle becomes two symbols for its halves.

The start symbol stands for the whole image. A rule cuts the rectangle of a symbol in the middle, in turn from top to
bottom and from left to right, and gives each half a symbol, until the halves are 2 x 2 pixels. There the last symbol
becomes one of 16 patterns of ink. Each rectangle has symbols and rules of its own:

$p(\\text{left } i, \\text{right } j \\mid k) = p(i | k)\\,p(j | k)$.

A derivation is a tree of such rules. The inside algorithm (Baker, 1979) sums over all derivations of an image, from the
smallest rectangles to the largest, so the log-probability is exact, in nats per image. Rectangles have powers of two as
sides; what lies outside of the image is summed out.

The start decides how good the grammar gets. For every rectangle, k-means groups the training images by what they show
there; the group is the symbol, and all rules are counted (latent variable distillation: Liu et al., 2022). Stochastic
EM (Cappé & Moulines, 2009) learns on, from ink that is drawn anew for each batch.

To sample, derive an image from the top. The images shown are the means, that is the probability of ink in each last
symbol. The ink that the derivation ends in is kept as a second set, the observations.
"""

import itertools
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, one_hot

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    DrawsInSteps,
    Exhibit,
    HasParts,
    Marginal,
    Objective,
    ObservationModel,
    TrainedModel,
    TrainingConfig,
)
from pipeline.models.common.blocks import drawn, ink
from pipeline.models.common.em import Schedule, Table
from pipeline.models.common.rectangles import Tiling, grouped, halved

PATTERNS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=4)))  # of 2 x 2 pixels, (16, 4)
GROUPED = 20_000  # training images that are grouped at the start


class Pcfg(TrainedModel, Marginal, ObservationModel, HasParts, DrawsInSteps):
    """Hold the rules of a grammar over rectangles."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 2
        batch_size: PositiveInt = 256
        lr: float = Field(0.3, gt=0, le=1)  # of EM: how far the first step goes towards the counts of its batch
        symbols: PositiveInt = 64  # of each rectangle
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "ink"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "exact"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.tiling, symbols = Tiling(config.side), config.symbols
        self.start = Table(1, symbols)
        self.of_levels = nn.ModuleList(Table(2 ** (level + 1), symbols, symbols) for level in range(self.tiling.cuts))
        self.emission = Table(2**self.tiling.cuts, symbols, 16)
        self.schedule = Schedule(config.lr)

    @property
    def rules(self) -> list[Table]:
        """Return the rules of each level, from the largest rectangles to the smallest."""
        return [table for table in self.of_levels if isinstance(table, Table)]

    def objectives(self, images: Images) -> Iterator[Objective]:
        def learn() -> None:
            step = self.schedule.next()
            for table in (self.start, *self.rules, self.emission):
                table.learn(step)

        with torch.autocast(images.device.type, enabled=False):  # products of probabilities need float32
            nats, _, _ = self.inside(ink(images))
        yield Objective(self, {"nats": -nats.mean()}, rule=learn)

    def weights(self, images: Images, known: Images | None) -> Tensor:
        """Return how probable each pattern is, pixel by pixel, (terminals, n, 16): 1 if it is what is known, else 0.

        For grey images it is the probability of the pattern; hidden pixels and those outside of the image allow all.
        """
        shown = torch.ones_like(images) if known is None else known
        grey, shown = self.tiling.blocks(images), self.tiling.blocks(shown)  # (terminals, n, 4)
        patterns = PATTERNS.to(images.device)
        alike = grey[..., None, :] * patterns + (1 - grey[..., None, :]) * (1 - patterns)
        return (1 - shown[..., None, :] * (1 - alike)).prod(dim=-1)

    def inside(self, images: Images, known: Images | None = None) -> tuple[Nats, list[Tensor], Tensor]:
        """Run the inside algorithm.

        Returns:
            The log-probability (n,); for each level the probability (rectangles, n, symbols), up to a factor, of what a
            symbol derives; and the weights of patterns.
        """
        weights = self.weights(images, known)
        inner = [weights @ self.emission.probability.transpose(1, 2)]
        nats = images.new_zeros(len(images))
        for table in (*reversed(self.rules), self.start):
            scale = inner[0].amax(dim=-1, keepdim=True).detach()
            nats = nats + scale.log().sum(dim=(0, 2))
            inner[0] = inner[0] / scale
            if table is self.start:
                break
            above = inner[0] @ table.probability.transpose(1, 2)  # (rectangles, n, symbols of the parent)
            inner.insert(0, above[0::2] * above[1::2])
        return nats + (inner[0][0] @ self.start.probability[0]).log(), inner, weights

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator, known: Images | None = None) -> Nats:
        return self.inside(images, known)[0]

    @torch.no_grad()
    def derived(
        self, inner: list[Tensor] | None, weights: Tensor | None, count: int, rng: torch.Generator
    ) -> list[Tensor]:
        """Draw derivations from the top: the symbols (rectangles, n) of each level, then the patterns (terminals, n).

        What is known of the images comes from `inside`; without it, any image may be derived.
        """
        n, symbols = count, []
        chances = self.start.probability[:, None].expand(1, n, -1)
        for level in range(len(self.rules) + 1):
            symbols.append(drawn(chances if inner is None else chances * inner[level], rng))
            if level < len(self.rules):
                chances = chosen(self.rules[level].probability, symbols[-1].repeat_interleave(2, dim=0))
        patterns = chosen(self.emission.probability, symbols[-1])
        return [*symbols, drawn(patterns if weights is None else patterns * weights, rng)]

    @torch.no_grad()
    def complete(self, images: Images, known: Images, rng: torch.Generator) -> Images:
        _, inner, weights = self.inside(images, known)
        patterns = self.derived(inner, weights, len(images), rng)[-1]
        return torch.where(known > 0, images, self.tiling.images(PATTERNS.to(images.device)[patterns]))

    @torch.no_grad()
    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        *symbols, patterns = self.derived(None, None, count, rng)
        all_patterns = PATTERNS.to(self.device)
        means = chosen(self.emission.probability, symbols[-1]) @ all_patterns
        return self.tiling.images(means), self.tiling.images(all_patterns[patterns])

    def sample(self, count: int, rng: torch.Generator) -> Images:
        return self.sample_observed(count, rng)[0]

    def expected(self) -> list[Tensor]:
        """Return what the symbols of each level derive on average, (rectangles, symbols, pixels block by block)."""
        means = [self.emission.probability @ PATTERNS.to(self.device)]
        for table in reversed(self.rules):
            halves = table.probability @ means[0]
            means.insert(0, torch.cat([halves[0::2], halves[1::2]], 2))
        return means

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        chosen_first = self.start.probability[0].topk(min(30, self.config.symbols)).indices
        whole = self.expected()[0][0, chosen_first]
        images = self.tiling.images(whole.view(len(whole), -1, 4).transpose(0, 1))
        columns = min(10, len(images))
        return Exhibit(
            "Symbols of the whole image",
            "What the most frequent symbols of the whole image derive on average.",
            images[: len(images) // columns * columns, 0].unflatten(0, (-1, columns)),
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        *symbols, patterns = self.derived(None, None, 8, rng)
        steps = [chosen(means, which) for means, which in zip(self.expected(), symbols, strict=True)]
        images = [self.tiling.images(step.unflatten(2, (-1, 4)).transpose(1, 2).flatten(0, 1)) for step in steps]
        return Exhibit(
            "From the start symbol to the ink",
            "Each row is one derivation. From left to right, every rectangle is cut into two halves with symbols of "
            "their own. Shown is what these symbols derive on average; the last column is the ink.",
            torch.cat([*images, self.tiling.images(PATTERNS.to(self.device)[patterns])], 1),
        )

    @torch.no_grad()
    def begin(self, images: Images, rng: torch.Generator) -> None:
        self.schedule.plan(self.config.epochs * -(-len(images) // self.config.batch_size))

        # Group what the images show in each rectangle, of every level; blur makes strokes that nearly meet alike.
        some = images[torch.randperm(len(images), generator=rng)[:GROUPED]]
        blurred = self.tiling.padded(avg_pool2d(some, 3, 1, 1, count_include_pad=False))
        symbols = [
            grouped(halved(blurred[None], level), self.config.symbols, rng) for level in range(len(self.rules) + 1)
        ]

        # Count the rules that derive these symbols, and the patterns in the last ones.
        members = [one_hot(each, self.config.symbols).float() for each in symbols]
        self.start.start(members[0].mean(dim=1))
        for table, above, below in zip(self.rules, members[:-1], members[1:], strict=True):
            parents = above.repeat_interleave(2, dim=0).transpose(1, 2)
            table.start(parents @ below / len(some))
        self.emission.start(members[-1].transpose(1, 2) @ self.weights(some, None) / len(some))


def chosen(tables: Tensor, symbols: Tensor) -> Tensor:
    """Return the row of each table (r, k, m) that each symbol (r, n) names, (r, n, m)."""
    return tables.gather(1, symbols[..., None].expand(*symbols.shape, tables.shape[2]))
