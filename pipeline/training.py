"""The one training loop of all families."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pipeline.compute import Arithmetic
from pipeline.models.base import Objective, TrainedModel, TrainingConfig
from pipeline.resume import ResumeFile
from pipeline.shapes import Images, Pixels, as_images


class Diverged(ArithmeticError):
    """A loss is no longer a number."""


@dataclass
class History:
    """What every step of a training logged: one row a step, one column a quantity."""

    steps_per_epoch: int
    columns: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0  # that the training took


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
    resume: ResumeFile | None = None,
) -> History:
    """Train `model` in place on `pixels`, which already lie on its device.

    With a `resume` file a killed training goes on where the file was last written, and ends at the same bits.

    Raises:
        Diverged: a logged loss became NaN or infinite; the message names the step and the term.
    """
    config = model.config
    training = Training(model, seed, math.ceil(len(pixels) / config.batch_size))
    if resume and (saved := resume.read()):
        training.restore(saved)
    started, done = time.perf_counter(), training.history.seconds
    # A look at the losses makes a GPU wait, so there it is taken seldom.
    look_every = 1 if pixels.device.type == "cpu" else 100

    model.train()
    while training.epoch <= config.epochs:
        for chosen in training.batches(len(pixels), pixels.device):
            training.logged.append(
                step(model, as_images(pixels[chosen]), training.optimizers, arithmetic, training.history.columns)
            )
            training.average.update()
            training.batch += 1
            if training.batch % look_every == 0:
                training.look(resume)
                if resume and resume.due():
                    training.history.seconds = done + time.perf_counter() - started
                    resume.write(training.state())
        training.look(resume)
        training.history.seconds = done + time.perf_counter() - started
        means = torch.tensor(training.history.rows[-training.history.steps_per_epoch :]).mean(0).tolist()
        rate = training.epoch * len(pixels) / training.history.seconds
        tell(
            Progress(
                training.epoch,
                config.epochs,
                rate,
                (config.epochs - training.epoch) * len(pixels) / rate,
                dict(zip(training.history.columns, means, strict=True)),
            )
        )
        training.epoch, training.batch = training.epoch + 1, 0
    training.average.install()
    model.eval()
    return training.history


class Training:
    """All that changes while a model is trained, and that a killed training needs to go on to the same bits."""

    def __init__(self, model: TrainedModel, seed: int, steps_per_epoch: int) -> None:
        self.model = model
        self.optimizers = Optimizers(model.config)
        self.average = Average(model, model.config.ema)
        self.shuffler = torch.Generator().manual_seed(seed)
        self.shuffled = self.shuffler.get_state()  # before the shuffle of this epoch
        self.epoch = 1
        self.batch = 0  # batches of this epoch that are done
        self.history = History(steps_per_epoch)
        self.logged: list[Tensor] = []  # of steps that were not looked at yet; they lie on the device

    def batches(self, count: int, device: torch.device) -> Iterator[Tensor]:
        """The indices of each batch of this epoch that is still to do.

        Every epoch shuffles `count` images anew; the last batch may be smaller and is kept.
        """
        self.shuffled = self.shuffler.get_state()
        order = torch.randperm(count, generator=self.shuffler).to(device)
        return itertools.islice(order.split(self.model.config.batch_size), self.batch, None)

    def look(self, resume: ResumeFile | None) -> None:
        """Move what was logged into the history; a loss that is no number ends the training."""
        if not self.logged:
            return
        self.history.rows += torch.stack(self.logged).tolist()
        try:
            check_finite(self.history, len(self.logged))
        except Diverged as error:
            kept = f" The last healthy state is kept in {resume.path}." if resume and resume.path.exists() else ""
            raise Diverged(f"{error}{kept}") from None
        self.logged = []

    def state(self) -> dict[str, Tensor]:
        """Everything as named tensors, at the end of a step."""
        return {
            **{f"model/{name}": value for name, value in self.model.state_dict().items()},
            **{f"average/{name}": value for name, value in self.average.state().items()},
            **{f"adam/{name}": value for name, value in self.optimizers.state(self.model).items()},
            **{
                f"history/{i:04d} {name}": torch.tensor([row[i] for row in self.history.rows], dtype=torch.float64)
                for i, name in enumerate(self.history.columns)
            },
            **{f"random/{name}": value for name, value in random_state(self.model.device).items()},
            "shuffled": self.shuffled,
            "position": torch.tensor([self.epoch, self.batch]),
            "seconds": torch.tensor(self.history.seconds, dtype=torch.float64),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to where `state()` was taken."""
        self.model.load_state_dict(under("model", state))
        self.average.restore(under("average", state))
        self.optimizers.restore(self.model, under("adam", state))
        history = sorted(under("history", state).items())  # numbered: a file has no order
        self.history.columns[:] = [name.split(" ", 1)[1] for name, _ in history]
        self.history.rows = torch.stack([values for _, values in history], dim=1).tolist()
        self.shuffler.set_state(state["shuffled"])
        self.epoch, self.batch = state["position"].tolist()
        self.history.seconds = state["seconds"].item()
        set_random_state(under("random", state), self.model.device)


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part of a state whose names begin with `prefix/`, without it."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in state.items() if name.startswith(f"{prefix}/")}


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Of torch's global generators: the CPU's, and the device's where that is another."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


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

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """What each Adam remembers, as `<part of the model>/<parameter>/<quantity>`."""
        names = {part: name for name, part in model.named_modules()}
        return {
            f"{names[module]}/{parameter}/{quantity}": value
            for module, optimizer in self.by_module.items()
            for parameter, remembered in optimizer.state_dict()["state"].items()
            for quantity, value in remembered.items()
        }

    def restore(self, model: nn.Module, state: Mapping[str, Tensor]) -> None:
        remembered: dict[str, dict[int, dict[str, Tensor]]] = {}
        for name, value in state.items():
            part, parameter, quantity = name.split("/")
            remembered.setdefault(part, {}).setdefault(int(parameter), {})[quantity] = value
        for part, values in remembered.items():
            optimizer = self.of(model.get_submodule(part))
            optimizer.load_state_dict(optimizer.state_dict() | {"state": values})


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

    def state(self) -> dict[str, Tensor]:
        return self.averaged.state_dict() if self.averaged else {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if self.averaged:
            self.averaged.load_state_dict(state)

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
