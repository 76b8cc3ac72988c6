"""Train one model with one seed."""

import datetime
import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from pipeline.analysis.alarms import Alarm, Trained, find
from pipeline.core import artifacts
from pipeline.core.compute import choose, device_name, peak_memory
from pipeline.core.params import Compute
from pipeline.core.shapes import Pixels, as_images
from pipeline.data.dataset_file import read_dataset
from pipeline.models.base import Density, FittedModel, TrainedModel, TrainingConfig, count
from pipeline.models.common.blocks import ink
from pipeline.models.common.checkpoint import write_model
from pipeline.models.common.loading import configured, family_class
from pipeline.stages.cli import run
from pipeline.training import loop
from pipeline.training.cuda_graphs import Cuda
from pipeline.training.log import Log
from pipeline.training.monitor import Monitor
from pipeline.training.resume import ResumeFile, key_of

LINE_EVERY = 10.0  # seconds between two lines of the log
BATCH = 500  # test images of which log-probabilities are computed at once


def main(
    *,
    name: str,
    family: str,
    settings: dict,
    compute: Compute,
    seed: int,
    dataset_file: Path,
    resume_file: Path,
    checkpoint_file: Path,
    history_file: Path,
    diagnostics_file: Path,
    snapshots_file: Path,
    record_file: Path,
    resume_every: float = 20.0,
) -> None:
    """Train the model, and write its checkpoint and the records of the training.

    Args:
        name: of the model.
        family: the file of pipeline/models/ that defines the model.
        settings: what differs from the defaults of the family, as JSON.
        compute: the section of params.yaml, as JSON.
        seed: of the weights, the batches and the noise.
        dataset_file: the data set.
        resume_file: the state of a training in progress, from which a killed one continues; deleted at the end.
        checkpoint_file: to write: the trained model.
        history_file: to write: the logged terms of each step.
        diagnostics_file: to write: the diagnostics.
        snapshots_file: to write: samples at several steps.
        record_file: to write: settings, time, parameters, and the loss on the test images.
        resume_every: seconds between two writes of the resume file.
    """
    kind = family_class(family)
    arithmetic = choose(compute)
    data = read_dataset(dataset_file)
    config = configured(kind, settings, len(data.class_names), f"models.{name}")
    pixels, labels, test, test_labels = (
        torch.from_numpy(array).to(arithmetic.device)
        for array in (data.train_images, data.train_labels, data.test_images, data.test_labels)
    )

    torch.manual_seed(seed)
    model = kind(config).to(arithmetic.device)
    history, fit = loop.History(), loop.Evaluation()
    monitor = Monitor(model, pixels, arithmetic, labels) if isinstance(model, TrainedModel) else None
    teller = Teller(name, seed, monitor)
    recorder = Cuda(teller.say) if compute.cuda_graphs and pixels.is_cuda else None
    key = key_of(dataset_file, f"{family} {config} {arithmetic} {seed}")
    resume = ResumeFile(resume_file, key, teller.say, resume_every)
    started, spent = time.perf_counter(), time.process_time()
    if isinstance(model, TrainedModel):
        history = loop.train(model, pixels, arithmetic, seed, teller, resume, monitor, labels, recorder)
    elif isinstance(model, FittedModel):
        history = fitted(model, pixels, seed, teller.say)
    # Of all processes, if the training was resumed.
    seconds = history.seconds or time.perf_counter() - started
    cpu_seconds = history.cpu_seconds or time.process_time() - spent
    if isinstance(model, TrainedModel):
        fit = loop.evaluate(model, test, test_labels)
    elif isinstance(model, Density):
        fit = of_density(model, test)

    artifacts.write_table(history_file, by_step(history))
    artifacts.write_table(diagnostics_file, tidy(monitor.checks if monitor else Log()))
    snapshots = monitor.snapshots if monitor else {}
    images = [each.numpy() for each in snapshots.values()]
    artifacts.write_arrays(snapshots_file, steps=np.array(list(snapshots), int), images=np.array(images, np.uint8))

    conditions = {
        "precision": arithmetic.precision,
        "threads": arithmetic.threads,
        "torch": torch.__version__,
    }
    epochs = config.epochs if isinstance(config, TrainingConfig) else max(1, len(history.rows))
    artifacts.write_json(
        record_file,
        {
            "model": name,
            "family": family,
            "seed": seed,
            "config": config.model_dump(),
            "steps": len(history.rows),
            "epochs": epochs,
            "images_seen": epochs * len(pixels),
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu_seconds, 2),
            "images_per_second": round(epochs * len(pixels) / seconds),
            "peak_memory": peak_memory(arithmetic.device),
            "device": device_name(arithmetic.device),
            **conditions,
            "parameters": {
                "total": count(model),
                **{name: count(part) for name, part in model.named_children()},
            },
            "objectives": fit.objectives,
            "test": fit.losses,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
    )
    about = {
        "model": name,
        "seed": str(seed),
        **{key: str(value) for key, value in conditions.items()},
    }
    write_model(checkpoint_file, model, family, about)
    resume.delete()


def fitted(model: FittedModel, pixels: Pixels, seed: int, say: Callable[[str], None]) -> loop.History:
    """Fit the model, report each step, and return what was logged."""
    history, started = loop.History(), time.perf_counter()

    def tell(step: int, steps: int, logged: Mapping[str, float]) -> None:
        history.append(dict(logged))
        left = (time.perf_counter() - started) * (steps - step) / step
        numbers = " ".join(f"{name} {value:.4g}" for name, value in logged.items())
        say(f"step {step}/{steps} · {left:.0f} s left · {numbers}")

    model.fit(as_images(pixels), torch.Generator().manual_seed(seed), tell)
    model.eval()
    return history


def of_density(model: Density, pixels: Pixels) -> loop.Evaluation:
    """Return the mean negative log-probability of the test images, drawn as ink if the model is one of ink."""
    rng, total = torch.Generator().manual_seed(0), 0.0
    for batch in pixels.split(BATCH):
        images = as_images(batch)
        total -= model.log_prob(ink(images, rng) if model.support == "ink" else images, rng).double().sum().item()
    return loop.Evaluation({"nats": total / len(pixels)}, {"model": ["nats"]})


def by_step(history: loop.History) -> pd.DataFrame:
    """Return what each step logged: step, epoch, and a column for each quantity."""
    steps = range(1, len(history.rows) + 1)
    table = pd.DataFrame(history.rows, columns=pd.Index(history.columns))
    table.insert(0, "step", steps)
    table.insert(1, "epoch", [math.ceil(step / history.steps_per_epoch) for step in steps])
    return table


def tidy(checks: Log) -> pd.DataFrame:
    """Return the diagnostics in long form: step, quantity, part, value."""
    rows = [
        (int(step), *name.split(" ", 1), value)
        for step, *values in checks.rows
        for name, value in zip(checks.columns[1:], values, strict=True)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["step", "quantity", "part", "value"]))


class Teller:
    """Report the progress of a training: by a bar on a terminal, else by at most one line in `LINE_EVERY` seconds.

    Alarms that need no predicted labels are reported with the next line.
    """

    def __init__(self, model: str, seed: int, monitor: Monitor | None) -> None:
        self.who = f"{model}, seed {seed}"
        self.last = time.monotonic()
        self.monitor = monitor
        self.alarms: set[str] = set()
        self.bar: tqdm | None = None

    def __call__(self, progress: loop.Progress) -> None:
        over = progress.images_seen == progress.images_to_see
        logged = " ".join(f"{name} {value:.3g}" for name, value in progress.logged.items())
        self.move_bar(progress, logged)
        if time.monotonic() - self.last < LINE_EVERY and not over:
            return
        self.last = time.monotonic()
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        if not sys.stderr.isatty():
            self.say(
                f"epoch {progress.epoch}/{progress.epochs} · {progress.images_per_second:,.0f} images/s"
                f" · {minutes}:{seconds:02d} left · {logged}"
            )
        for alarm in self.found(progress.history):
            if alarm.kind not in self.alarms:
                self.say(f"ALARM: {alarm.kind} at step {alarm.first} ({alarm.evidence})")
                self.alarms.add(alarm.kind)

    def move_bar(self, progress: loop.Progress, logged: str) -> None:
        """Move the bar, which only a terminal shows. For a resumed training, it begins at the resumed step."""
        if self.bar is None:
            self.bar = tqdm(
                desc=self.who,
                initial=progress.images_seen,
                total=progress.images_to_see,
                unit=" images",
                unit_scale=True,
                disable=None,
            )
        self.bar.set_postfix_str(f"epoch {progress.epoch}/{progress.epochs} {logged}", refresh=False)
        self.bar.update(progress.images_seen - self.bar.n)
        if progress.images_seen == progress.images_to_see:
            self.bar.close()

    def found(self, history: loop.History) -> list[Alarm]:
        """Return the alarms so far, without those that need labels."""
        if not self.monitor:
            return []
        nothing = pd.DataFrame(columns=pd.Index(["step", "label", "share"]))
        return find(Trained(by_step(history), tidy(self.monitor.checks), nothing))

    def say(self, sentence: str) -> None:
        """Print a sentence about this training, above its bar."""
        tqdm.write(f"{self.who}: {sentence}")
        sys.stdout.flush()


if __name__ == "__main__":
    run(main)
