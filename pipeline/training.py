"""The one training loop of all families."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pipeline.compute import Arithmetic
from pipeline.models.base import Objective, TrainedModel, TrainingConfig
from pipeline.shapes import Images, Pixels, as_images


class Diverged(ArithmeticError):
    """A loss is no longer a number."""


@dataclass
class History:
    """What every step of a training logged: one row a step, one column a quantity."""

    steps_per_epoch: int
    columns: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """Where a training stands at the end of an epoch."""

    epoch: int
    epochs: int
    images_per_second: float
    seconds_left: float
    logged: dict[str, float]  # means over the epoch


def train(
    model: TrainedModel,
    pixels: Pixels,
    arithmetic: Arithmetic,
    seed: int,
    tell: Callable[[Progress], None],
) -> History:
    """Train `model` in place on `pixels`, which already lie on its device.

    Raises:
        Diverged: a logged loss became NaN or infinite; the message names the step and the term.
    """
    config = model.config
    shuffler = torch.Generator().manual_seed(seed)
    optimizers = Optimizers(config)
    average = Average(model, config.ema)
    history = History(steps_per_epoch=math.ceil(len(pixels) / config.batch_size))
    started = time.perf_counter()

    model.train()
    for epoch in range(1, config.epochs + 1):
        # Every epoch shuffles anew; the last batch may be smaller and is kept.
        order = torch.randperm(len(pixels), generator=shuffler).to(pixels.device)
        logged: list[Tensor] = []
        for chosen in order.split(config.batch_size):
            logged.append(step(model, as_images(pixels[chosen]), optimizers, arithmetic, history.columns))
            average.update()
        # The values stay on the device until here: one synchronisation an epoch.
        history.rows += torch.stack(logged).tolist()
        check_finite(history, len(logged))
        means = torch.stack(logged).mean(0).tolist()
        seconds = time.perf_counter() - started
        tell(
            Progress(
                epoch,
                config.epochs,
                epoch * len(pixels) / seconds,
                seconds / epoch * (config.epochs - epoch),
                dict(zip(history.columns, means, strict=True)),
            )
        )
    average.install()
    model.eval()
    return history


def step(
    model: TrainedModel, images: Images, optimizers: "Optimizers", arithmetic: Arithmetic, columns: list[str]
) -> Tensor:
    """Take the moves of one batch; return what they log, (quantities,), and name it in `columns`."""
    logged: dict[str, Tensor] = {}
    for move in moves(model.objectives(images), arithmetic):
        parameters = list(move.trains.parameters())
        optimizer = optimizers.of(move.trains)
        optimizer.zero_grad()
        # Only the parameters that move get a gradient: no work is spent on the opponent's.
        move.loss.backward(inputs=parameters)
        optimizer.step()
        logged |= {**move.terms, **move.watch}
    columns[:] = logged
    return torch.stack([value.detach().float() for value in logged.values()])


def moves(objectives: Iterator[Objective], arithmetic: Arithmetic) -> Iterator[Objective]:
    """Compute each objective under the chosen precision.

    Autocast caches a network's weights in low precision until its context ends. Between two moves the weights
    change, so each move has a context of its own.
    """
    while True:
        with arithmetic.autocast():
            move = next(objectives, None)
        if move is None:
            return
        yield move


class Optimizers:
    """One Adam for each module that some objective trains."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config
        self.by_module: dict[nn.Module, torch.optim.Adam] = {}

    def of(self, module: nn.Module) -> torch.optim.Adam:
        if module not in self.by_module:
            self.by_module[module] = torch.optim.Adam(
                module.parameters(), lr=self.config.lr, betas=self.config.betas, fused=True
            )
        return self.by_module[module]


class Average:
    """An exponential moving average of the weights, if `decay` is above 0 (Polyak & Juditsky, 1992)."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = model
        self.averaged = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True) if decay else None
        )

    def update(self) -> None:
        if self.averaged:
            self.averaged.update_parameters(self.model)

    def install(self) -> None:
        """Make the average the model."""
        if self.averaged:
            self.model.load_state_dict(self.averaged.module.state_dict())


@dataclass
class Evaluation:
    """What the objectives are on images that were not trained on."""

    terms: dict[str, float] = field(default_factory=dict)  # means over the images, in eval mode and float32
    objectives: dict[str, list[str]] = field(default_factory=dict)  # the terms of each, by what it trains


@torch.no_grad()
def evaluate(model: TrainedModel, pixels: Pixels) -> Evaluation:
    """Compute every objective of the trained model on `pixels`, without a move."""
    torch.manual_seed(0)  # the VAE's codes, the GAN's fakes
    parts = {part: name for name, part in model.named_children()} | {model: "model"}
    found = Evaluation()
    for batch in pixels.split(model.config.batch_size):
        for move in model.objectives(as_images(batch)):
            found.objectives[parts[move.trains]] = list(move.terms)
            for name, value in move.terms.items():
                share = len(batch) / len(pixels)
                found.terms[name] = found.terms.get(name, 0.0) + value.item() * share
    return found


def check_finite(history: History, last: int) -> None:
    """Look at the `last` rows for a loss that is not a number."""
    for back, row in enumerate(history.rows[-last:]):
        for name, value in zip(history.columns, row, strict=True):
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} became {value} at step {len(history.rows) - last + back + 1}. "
                    "Lower the learning rate (lr), or look for a division by zero in the family's objectives."
                )
