"""Train any family in one loop."""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import Images, Labels, Pixels, as_images, labels_at
from pipeline.models.base import Objective, TrainedModel, TrainingConfig
from pipeline.training.cuda_graphs import Recorded, Recorder, own_stream
from pipeline.training.log import Log
from pipeline.training.monitor import Monitor
from pipeline.training.resume import ResumeFile, named, under

TELL_EVERY = 1.0  # seconds between two reports of progress; another follows every epoch


class Diverged(ArithmeticError):
    """Report that a loss became NaN or infinite."""


@dataclass
class History(Log):
    """Hold what every step of a training run logged."""

    steps_per_epoch: int = 1
    seconds: float = 0.0  # duration of the training run
    cpu_seconds: float = 0.0  # which all threads of the process computed


@dataclass(frozen=True)
class Progress:
    """Describe how far a training run has come."""

    epoch: int
    epochs: int
    images_seen: int
    images_to_see: int  # in the whole training run
    images_per_second: float
    seconds_left: float
    logged: dict[str, float]  # means over the last epoch's worth of steps
    history: History  # so far


def train(
    model: TrainedModel,
    pixels: Pixels,
    arithmetic: Arithmetic,
    seed: int,
    tell: Callable[[Progress], None],
    resume: ResumeFile | None = None,
    monitor: Monitor | None = None,
    labels: Labels | None = None,
    recorder: Recorder | None = None,
) -> History:
    """Train `model` in place on `pixels`.

    Args:
        model: the model.
        pixels: the training images, on the device of the model.
        arithmetic: the precision of the computations.
        seed: decides the order of the images.
        tell: is called with the progress about once a second, and after every epoch.
        resume: the file from which a killed training run continues. It ends with the same bits as an uninterrupted one.
        monitor: measures diagnostics. It changes no result.
        labels: the label of each image, on the same device; a conditional model needs them.
        recorder: records steps as CUDA graphs; without one, every step runs normally.

    Raises:
        Diverged: a logged loss became NaN or infinite; the message names the step and the loss.
    """
    # Continue from the resume file if there is one for the same data, settings and code.
    config = model.config
    training = Training(model, seed, math.ceil(len(pixels) / config.batch_size), monitor)
    if resume and (saved := resume.read()):
        training.restore(saved)
    else:
        model.begin(as_images(pixels), torch.Generator().manual_seed(seed))
    started = told = time.perf_counter()
    spent = time.process_time()
    done, done_cpu = training.history.seconds, training.history.cpu_seconds
    # Reading the losses makes a GPU wait, so on a GPU they are read only every 100 steps.
    look_every = 1 if pixels.device.type == "cpu" else 100

    def take(chosen: Tensor) -> Tensor:
        images = as_images(pixels.index_select(0, chosen))
        logged = step(
            model, images, training.optimizers, arithmetic, training.history.columns, labels_at(chosen, labels)
        )
        training.average.update()
        return logged

    # Go through the batches. Diagnostics need the weights before and after their step.
    take_step = Recorded(model, take, recorder) if recorder else take
    model.train()
    with own_stream(pixels.device):
        while training.epoch <= config.epochs:
            for chosen in training.batches(len(pixels), pixels.device):
                training.batch += 1
                training.optimizers.fall(1 - (training.step - 1) / training.steps)
                if monitor:
                    monitor.before(training.step)
                training.logged.append(take_step(chosen))
                if monitor:
                    monitor.after(training.step)
                if training.batch % look_every == 0 or training.epoch_is_over:
                    training.look(resume)
                    training.history.seconds = done + time.perf_counter() - started
                    training.history.cpu_seconds = done_cpu + time.process_time() - spent
                    if resume and resume.due():
                        resume.write(training.state())
                    if training.epoch_is_over or time.perf_counter() - told > TELL_EVERY:
                        tell(training.progress(len(pixels)))
                        told = time.perf_counter()
            training.epoch, training.batch = training.epoch + 1, 0

        # The averaged weights, if there are any, become the model.
        training.average.install()
    model.eval()
    return training.history


class Training:
    """Hold all state that changes in training; a killed run restores it and ends with the same bits."""

    def __init__(self, model: TrainedModel, seed: int, steps_per_epoch: int, monitor: Monitor | None) -> None:
        self.model = model
        self.monitor = monitor
        self.optimizers = Optimizers(model.config)
        self.average = Average(model, model.config.ema)
        self.shuffler = torch.Generator().manual_seed(seed)
        self.shuffled = self.shuffler.get_state()  # state before this epoch was shuffled
        self.epoch = 1
        self.batch = 0  # number of batches of this epoch that are done
        self.history = History(steps_per_epoch=steps_per_epoch)
        self.logged: list[Tensor] = []  # values logged since the losses were last read, still on the device

    @property
    def step(self) -> int:
        """Return the number of batches since the start, including the present one."""
        return (self.epoch - 1) * self.history.steps_per_epoch + self.batch

    @property
    def steps(self) -> int:
        """Return the number of batches of the whole training."""
        return self.model.config.epochs * self.history.steps_per_epoch

    @property
    def epoch_is_over(self) -> bool:
        """Return whether all batches of this epoch are done."""
        return self.batch == self.history.steps_per_epoch

    def progress(self, images: int) -> Progress:
        """Return how far the run has come; an epoch has `images` images."""
        epochs, history = self.model.config.epochs, self.history
        seen = round((self.epoch - 1 + self.batch / history.steps_per_epoch) * images)
        rate = seen / history.seconds
        means = torch.tensor(history.rows[-history.steps_per_epoch :]).mean(0).tolist()
        return Progress(
            epoch=self.epoch,
            epochs=epochs,
            images_seen=seen,
            images_to_see=epochs * images,
            images_per_second=rate,
            seconds_left=(epochs * images - seen) / rate,
            logged=dict(zip(history.columns, means, strict=True)),
            history=history,
        )

    def batches(self, count: int, device: torch.device) -> Iterator[Tensor]:
        """Yield the indices of each remaining batch of this epoch.

        Every epoch shuffles `count` images anew; the last batch may be smaller and is kept.
        """
        self.shuffled = self.shuffler.get_state()
        order = torch.randperm(count, generator=self.shuffler).to(device)
        return itertools.islice(order.split(self.model.config.batch_size), self.batch, None)

    def look(self, resume: ResumeFile | None) -> None:
        """Move the logged values into the history.

        Raises:
            Diverged: a value is NaN or infinite.
        """
        self.history.rows += torch.stack(self.logged).tolist()
        try:
            check_finite(self.history, len(self.logged))
        except Diverged as error:
            kept = f" The last healthy state is kept in {resume.path}." if resume and resume.path.exists() else ""
            raise Diverged(f"{error}{kept}") from None
        self.logged = []

    def state(self) -> dict[str, Tensor]:
        """Return everything as named tensors, at the end of a step."""
        return {
            **named("model", self.model.state_dict()),
            **named("average", self.average.state()),
            **named("adam", self.optimizers.state(self.model)),
            **named("history", self.history.state()),
            **named("monitor", self.monitor.state() if self.monitor else {}),
            **named("random", random_state(self.model.device)),
            "shuffled": self.shuffled,
            "position": torch.tensor([self.epoch, self.batch]),
            "seconds": torch.tensor([self.history.seconds, self.history.cpu_seconds], dtype=torch.float64),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Return to the point at which `state()` was called."""
        self.model.load_state_dict(under("model", state))
        self.average.restore(under("average", state))
        self.optimizers.restore(self.model, under("adam", state))
        self.history.restore(under("history", state))
        if self.monitor:
            self.monitor.restore(under("monitor", state))
        self.shuffler.set_state(state["shuffled"])
        self.epoch, self.batch = state["position"].tolist()
        self.history.seconds, self.history.cpu_seconds = state["seconds"].tolist()
        set_random_state(under("random", state), self.model.device)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's global generators: that of the CPU, and that of the device if it is a GPU."""
    state = {"cpu": torch.get_rng_state()}
    return state | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def set_random_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Restore the state that `random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def step(
    model: TrainedModel,
    images: Images,
    optimizers: "Optimizers",
    arithmetic: Arithmetic,
    columns: list[str],
    labels: Labels | None = None,
) -> Tensor:
    """Make the updates of one batch.

    Returns:
        The logged values (quantities,); their names are written to `columns`.
    """
    logged: dict[str, Tensor] = {}
    for objective in arithmetic.objectives(model.labelled_objectives(images, labels)):
        descend(objective, optimizers)
        logged |= {**objective.losses, **objective.logged}
    columns[:] = logged
    return torch.stack([value.detach().float() for value in logged.values()])


def descend(objective: Objective, optimizers: "Optimizers") -> None:
    """Make one update on the loss of one objective: by its own rule, or a step of Adam."""
    objective.trains.zero_grad()
    # Compute gradients only for the parameters that the objective trains, not for the opponent's.
    objective.loss.backward(inputs=list(objective.trains.parameters()))
    if objective.rule:
        objective.rule()
    else:
        optimizers.of(objective.trains).step()


class Optimizers:
    """Hold one Adam optimizer for each module that an objective trains."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config
        # A rate that falls is a tensor, which a step that was recorded as a CUDA graph reads anew each time.
        self.lr = torch.tensor(config.lr) if config.linear_decay else config.lr
        self.by_module: dict[nn.Module, torch.optim.Adam] = {}

    def fall(self, share: float) -> None:
        """Set the rate to a share of that at the start, if the settings let it fall."""
        if isinstance(self.lr, Tensor):
            self.lr.fill_(share * self.config.lr)

    def of(self, module: nn.Module) -> torch.optim.Adam:
        """Return the optimizer of a module, and create it at the first call."""
        if module not in self.by_module:
            parameters = list(module.parameters())
            if isinstance(self.lr, Tensor):
                self.lr = self.lr.to(parameters[0].device)
            self.by_module[module] = torch.optim.Adam(
                parameters,
                lr=self.lr,
                betas=self.config.betas,
                fused=True,
                capturable=parameters[0].is_cuda,  # lets a CUDA graph record the step
            )
        return self.by_module[module]

    def state(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the state of each Adam optimizer as `<part of the model>/<parameter>/<quantity>`."""
        names = {part: name for name, part in model.named_modules()}
        return {
            f"{names[module]}/{parameter}/{quantity}": value
            for module, optimizer in self.by_module.items()
            for parameter, remembered in optimizer.state_dict()["state"].items()
            for quantity, value in remembered.items()
        }

    def restore(self, model: nn.Module, state: Mapping[str, Tensor]) -> None:
        """Restore what `state()` returned."""
        remembered: dict[str, dict[int, dict[str, Tensor]]] = {}
        for name, value in state.items():
            part, parameter, quantity = name.split("/")
            remembered.setdefault(part, {}).setdefault(int(parameter), {})[quantity] = value
        for part, values in remembered.items():
            optimizer = self.of(model.get_submodule(part))
            optimizer.load_state_dict(optimizer.state_dict() | {"state": values})
            optimizer.param_groups[0]["lr"] = self.lr  # not a copy of it


class Average:
    """Keep an exponential moving average of weights and buffers, if `decay` is above 0 (Polyak & Juditsky, 1992).

    The average starts at the weights after the first step. In contrast to torch's `AveragedModel`, an update never
    makes a GPU wait.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = model
        self.decay = decay
        self.averaged: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the present weights."""
        if not self.decay:
            return
        current = {name: value for name, value in self.model.state_dict().items() if value.is_floating_point()}
        if not self.averaged:
            self.averaged = {name: value.clone() for name, value in current.items()}
        get_ema_multi_avg_fn(self.decay)(list(self.averaged.values()), list(current.values()), 0)

    def state(self) -> dict[str, Tensor]:
        """Return the averaged weights and buffers; empty before the first update, or without averaging."""
        return self.averaged

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state()` returned, on the device of the model."""
        current = self.model.state_dict()
        self.averaged = {name: state[name].to(value.device) for name, value in current.items() if name in state}

    def install(self) -> None:
        """Copy the average into the model."""
        self.model.load_state_dict(self.averaged, strict=False)  # integer buffers are not averaged and stay


@dataclass
class Evaluation:
    """Hold the losses of a model on held-out images."""

    losses: dict[str, float] = field(default_factory=dict)  # means over the images, in eval mode and float32
    objectives: dict[str, list[str]] = field(default_factory=dict)  # trained part -> names of its losses


@torch.no_grad()
def evaluate(model: TrainedModel, pixels: Pixels, labels: Labels | None = None) -> Evaluation:
    """Compute every loss of the trained model on `pixels`, without an update; a conditional model needs `labels`."""
    torch.manual_seed(0)  # fixes the VAE's codes and the GAN's fakes
    parts = {part: name or "model" for name, part in model.named_modules()}
    found = Evaluation()
    for chosen in torch.arange(len(pixels), device=pixels.device).split(model.config.batch_size):
        for objective in model.labelled_objectives(as_images(pixels[chosen]), labels_at(chosen, labels)):
            found.objectives[parts[objective.trains]] = list(objective.losses)
            for name, value in objective.losses.items():
                share = len(chosen) / len(pixels)
                found.losses[name] = found.losses.get(name, 0.0) + value.item() * share
    return found


def check_finite(history: History, last: int) -> None:
    """Raise `Diverged` if one of the `last` rows contains NaN or an infinite number."""
    for back, row in enumerate(history.rows[-last:]):
        for name, value in zip(history.columns, row, strict=True):
            if not math.isfinite(value):
                raise Diverged(
                    f"{name} became {value} at step {len(history.rows) - last + back + 1}. "
                    "Lower the learning rate (lr), or look for a division by zero in the family's objectives."
                )
