"""A hidden Markov model whose sequence is the rows of an image (Rabiner, 1989).

A chain of hidden states $s_1, \\dots, s_T$ goes down the image, one state a row, and each state gives every pixel of
its row a probability of ink of its own:
$p(b, s) = p(s_1) \\prod_t p(s_{t+1} | s_t) \\prod_t \\prod_j p(b_{tj} | s_t)$. The forward algorithm sums over all
chains, so the log-probability is exact, in nats per image.

One table of transitions serves all rows, as is usual for such models. So the model does not know how far down it is: it
draws strokes that are right, and digits of any height. With `rows: true` each row has tables of its own.

Stochastic EM (Cappé & Moulines, 2009) learns the tables, from ink that is drawn anew for each batch. At the start each
state is a row of a training image, and is followed by those states that resemble the next row of that image.

To sample, draw a chain of states. The images shown are the means, the probability of ink in each state; ink with these
means is kept as a second set, the observations. Where rows or pixels are hidden, they are summed out, and drawn by the
forward filter and a pass back.
"""

from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from pipeline.core.shapes import Images, Nats
from pipeline.models.base import (
    DrawsInSteps,
    Exhibit,
    HasParts,
    Marginal,
    Objective,
    PixelwiseObservations,
    TrainedModel,
    TrainingConfig,
)
from pipeline.models.common.blocks import drawn, ink
from pipeline.models.common.em import Schedule, Table

BLEND = 0.5  # share of the row in the start of a state; the rest is the mean of all rows
LIKENESS = 2.0  # squared distance of rows, in pixels, at which a state is e times less likely to follow


class Hmm(TrainedModel, Marginal, PixelwiseObservations, HasParts, DrawsInSteps):
    """Hold the tables of a hidden Markov model of rows."""

    class Config(TrainingConfig):
        epochs: PositiveInt = 2
        batch_size: PositiveInt = 256
        lr: float = Field(0.5, gt=0, le=1)  # of EM: how far the first step goes towards the counts of its batch
        states: PositiveInt = 256
        rows: bool = False  # whether each row has tables of its own
        side: PositiveInt = 28  # of the images, in pixels

    config: Config
    support: ClassVar[Literal["ink", "levels"]] = "ink"
    evidence: ClassVar[Literal["exact", "bound", "estimate"]] = "exact"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        states, side = config.states, config.side
        self.first = Table(states)
        self.transition = Table(side - 1 if config.rows else 1, states, states)
        self.emission = Table(side if config.rows else 1, states, side, 2)
        self.schedule = Schedule(config.lr)

    @torch.no_grad()
    def begin(self, images: Images, rng: torch.Generator) -> None:
        states, side = self.config.states, self.config.side
        self.schedule.plan(self.config.epochs * -(-len(images) // self.config.batch_size))

        # Each state is a row of a training image: of any height, or once for each height.
        heights = range(side) if self.config.rows else [None]
        at = [torch.randint(side, (states,), generator=rng) if t is None else torch.full((states,), t) for t in heights]
        chosen = [torch.randint(len(images), (states,), generator=rng) for _ in heights]
        taken = torch.stack([images[n, 0, t] for n, t in zip(chosen, at, strict=True)])  # (tables, states, side)
        below = torch.stack([images[n, 0, (t + 1).clamp_max(side - 1)] for n, t in zip(chosen, at, strict=True)])
        blended = (BLEND * taken + (1 - BLEND) * images.mean(dim=(0, 1, 2))).clamp(0.01, 0.99)
        self.emission.start(torch.stack([1 - blended, blended], dim=-1) * side / states)

        # A state is followed by those whose rows resemble the row below its own.
        later = taken[1:] if self.config.rows else taken
        likeness = -torch.cdist(below[: len(later)], later).square() / LIKENESS
        self.transition.start(likeness.softmax(dim=-1) * side / states)
        self.first.start(torch.ones(states) / states)

    def objectives(self, images: Images) -> Iterator[Objective]:
        def learn() -> None:
            step = self.schedule.next()
            for table in (self.first, self.transition, self.emission):
                table.learn(step)

        with torch.autocast(images.device.type, enabled=False):  # products of probabilities need float32
            nats, _ = self.filtered(ink(images))
        yield Objective(self, {"nats": -nats.mean()}, rule=learn)

    def filtered(self, images: Images, known: Images | None = None) -> tuple[Nats, list[Tensor]]:
        """Run the forward algorithm.

        Returns:
            The log-probability (n,), and for each row the distribution of its state (n, states), given the rows so far.
        """
        # The log-probability of each row in each state, (rows, n, states). Hidden pixels add nothing.
        shown = torch.ones_like(images) if known is None else known
        dark, light = self.emission.probability.log().unbind(dim=-1)  # (tables, states, side) each
        of_ink, of_paper = ((part * shown)[:, 0].transpose(0, 1) for part in (images, 1 - images))
        rows = (of_ink @ light.transpose(1, 2) + of_paper @ dark.transpose(1, 2)).unbind()

        # Go down the rows, and scale the probabilities of each so that they stay representable.
        state, nats, seen = self.first.probability.expand(len(images), -1), images.new_zeros(len(images)), []
        for t, row in enumerate(rows):
            if t:
                state = state @ self.transition.probability[min(t, len(self.transition.probability)) - 1]
            largest = row.amax(dim=1, keepdim=True).detach()
            state = state * (row - largest).exp()
            total = state.sum(dim=1, keepdim=True)
            nats, state = nats + (total.log() + largest).squeeze(1), state / total
            seen.append(state)
        return nats, seen

    @torch.no_grad()
    def log_prob(self, images: Images, rng: torch.Generator, known: Images | None = None) -> Nats:
        return self.filtered(images, known)[0]

    @torch.no_grad()
    def complete(self, images: Images, known: Images, rng: torch.Generator) -> Images:
        # Draw the last state from the filter, and each earlier one given the state below it.
        _, seen = self.filtered(images, known)
        states, tables = [drawn(seen[-1], rng)], self.transition.probability
        for t in range(len(seen) - 2, -1, -1):
            onward = tables[min(t, len(tables) - 1)][:, states[0]].T  # (n, states)
            states.insert(0, drawn(seen[t] * onward, rng))
        return torch.where(known > 0, images, self.observe(self.means_of(states), rng))

    @torch.no_grad()
    def sample(self, count: int, rng: torch.Generator) -> Images:
        states, tables = [drawn(self.first.probability.expand(count, -1), rng)], self.transition.probability
        for t in range(self.config.side - 1):
            states.append(drawn(tables[min(t, len(tables) - 1)][states[-1]], rng))
        return self.means_of(states)

    def means_of(self, states: list[Tensor]) -> Images:
        """Return the probability of ink in the states (n,) of each row."""
        light = self.emission.probability[..., 1]
        rows = [light[min(t, len(light) - 1)][state] for t, state in enumerate(states)]
        return torch.stack(rows, dim=1)[:, None]

    def observe(self, means: Images, rng: torch.Generator) -> Images:
        return ink(means, rng)

    @torch.no_grad()
    def parts(self, rng: torch.Generator) -> Exhibit:
        table, next_table = ((len(t.probability) // 2) for t in (self.emission, self.transition))
        light, onward = self.emission.probability[..., 1], self.transition.probability[next_table]
        inked = light[table].sum(1).argsort(descending=True)
        chosen = inked[:: max(1, len(inked) // 24)][:24]
        followers = onward[chosen].topk(min(6, onward.shape[1])).indices
        below = min(table + 1, len(light) - 1)
        strips = torch.cat([light[table][chosen, None], light[below][followers]], 1)
        return Exhibit(
            "States and what follows them",
            "Each row begins with a state, shown as the row of pixels that it draws, from those with much ink to those "
            "with little. Beside it are the six states that follow it most often.",
            strips[:, :, None].expand(-1, -1, 4, -1),
        )

    @torch.no_grad()
    def drawing(self, rng: torch.Generator) -> Exhibit:
        means = self.sample(8, rng)
        steps = [
            torch.where(torch.arange(self.config.side)[:, None] < rows, means, 0.5) for rows in cuts(self.config.side)
        ]
        return Exhibit(
            "Row by row",
            "Each row is one sample, as the chain of states goes down the image. The last column is ink drawn with the "
            "means beside it.",
            torch.cat([*steps, self.observe(means, rng)], 1),
        )


def cuts(side: int) -> list[int]:
    """Return how many of so many rows are drawn at each of seven moments."""
    return [round(side * share / 7) for share in range(1, 8)]
