"""Train one model with one seed."""

import argparse
import datetime
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from pipeline import artifacts, compute, training
from pipeline.alarms import Alarm, Trained, find
from pipeline.graphs import Cuda
from pipeline.log import Log
from pipeline.models import configured, family
from pipeline.models.base import FittedModel, TrainedModel, TrainingConfig, count
from pipeline.monitor import Monitor
from pipeline.params import Compute
from pipeline.resume import ResumeFile, key_of
from pipeline.shapes import as_images
from pipeline.stages import run, settings

LINE_EVERY = 10.0  # seconds between two lines in a log


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="train", description=__doc__)
    cli.add_argument("--model", required=True, help="its name in params.yaml")
    cli.add_argument("--family", required=True, help="the file in pipeline/models/")
    cli.add_argument("--config", type=json.loads, required=True, help="what differs from the family's defaults")
    cli.add_argument("--compute", type=settings(Compute, "compute"), required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--resume", type=Path, required=True, help="written on the way, to go on from after a kill")
    cli.add_argument("--resume-every", type=float, default=20.0, help="seconds between two writes of it")
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--history", type=Path, required=True)
    cli.add_argument("--checks", type=Path, required=True)
    cli.add_argument("--snapshots", type=Path, required=True)
    cli.add_argument("--record", type=Path, required=True)
    args = cli.parse_args(argv)

    kind = family(args.family)
    arithmetic = compute.choose(args.compute)
    data = artifacts.read_dataset(args.dataset)
    config = configured(kind, args.config, len(data.class_names), f"models.{args.model}")
    pixels, labels, test, test_labels = (
        torch.from_numpy(array).to(arithmetic.device)
        for array in (data.train_images, data.train_labels, data.test_images, data.test_labels)
    )

    torch.manual_seed(args.seed)
    model = kind(config).to(arithmetic.device)
    history, fit = training.History(), training.Evaluation()
    monitor = Monitor(model, pixels, arithmetic, labels) if isinstance(model, TrainedModel) else None
    teller = Teller(args.model, args.seed, monitor)
    recorder = Cuda(teller.say) if pixels.is_cuda else None
    key = key_of(args.dataset, f"{args.family} {config} {arithmetic} {args.seed}")
    resume = ResumeFile(args.resume, key, teller.say, args.resume_every)
    started = time.perf_counter()
    if isinstance(model, TrainedModel):
        history = training.train(model, pixels, arithmetic, args.seed, teller, resume, monitor, labels, recorder)
    elif isinstance(model, FittedModel):
        model.fit(as_images(pixels))
    seconds = history.seconds or time.perf_counter() - started  # a resumed training's: of all its processes
    if isinstance(model, TrainedModel):
        fit = training.evaluate(model, test, test_labels)

    artifacts.write_table(args.history, by_step(history))
    artifacts.write_table(args.checks, tidy(monitor.checks if monitor else Log()))
    snapshots = monitor.snapshots if monitor else {}
    images = [each.numpy() for each in snapshots.values()]
    artifacts.write_arrays(args.snapshots, steps=np.array(list(snapshots), int), images=np.array(images, np.uint8))

    conditions = {
        "precision": arithmetic.precision,
        "threads": arithmetic.threads,
        "torch": torch.__version__,
    }
    epochs = config.epochs if isinstance(config, TrainingConfig) else 1
    artifacts.write_json(
        args.record,
        {
            "model": args.model,
            "family": args.family,
            "seed": args.seed,
            "config": config.model_dump(),
            "steps": len(history.rows),
            "epochs": epochs,
            "images_seen": epochs * len(pixels),
            "seconds": round(seconds, 2),
            "images_per_second": round(epochs * len(pixels) / seconds),
            "peak_memory": compute.peak_memory(arithmetic.device),
            "device": compute.name(arithmetic.device),
            **conditions,
            "parameters": {
                "total": count(model),
                **{name: count(part) for name, part in model.named_children()},
            },
            "objectives": fit.objectives,
            "test": fit.terms,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        },
    )
    about = {
        "model": args.model,
        "seed": str(args.seed),
        **{key: str(value) for key, value in conditions.items()},
    }
    artifacts.write_model(args.checkpoint, model, args.family, about)
    resume.delete()


def by_step(history: training.History) -> pd.DataFrame:
    """What each step logged: step, epoch, and a column for each quantity."""
    steps = range(1, len(history.rows) + 1)
    table = pd.DataFrame(history.rows, columns=pd.Index(history.columns))
    table.insert(0, "step", steps)
    table.insert(1, "epoch", [math.ceil(step / history.steps_per_epoch) for step in steps])
    return table


def tidy(checks: Log) -> pd.DataFrame:
    """What the monitor found: step, quantity, part, value."""
    rows = [
        (int(step), *name.split(" ", 1), value)
        for step, *values in checks.rows
        for name, value in zip(checks.columns[1:], values, strict=True)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["step", "quantity", "part", "value"]))


class Teller:
    """Says how far a training is: a bar on a terminal of one's own, else at most one line in `LINE_EVERY` seconds.

    An alarm that can be found before the samples are labelled is said with the next line.
    """

    def __init__(self, model: str, seed: int, monitor: Monitor | None) -> None:
        self.who = f"{model}, seed {seed}"
        self.last = time.monotonic()
        self.monitor = monitor
        self.alarms: set[str] = set()
        self.bar: tqdm | None = None

    def __call__(self, progress: training.Progress) -> None:
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

    def move_bar(self, progress: training.Progress, logged: str) -> None:
        """Only a terminal gets to see it. A resumed training's begins where it goes on."""
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

    def found(self, history: training.History) -> list[Alarm]:
        """The alarms so far, without those that need labels."""
        if not self.monitor:
            return []
        nothing = pd.DataFrame(columns=pd.Index(["step", "label", "share"]))
        return find(Trained(by_step(history), tidy(self.monitor.checks), nothing))

    def say(self, sentence: str) -> None:
        tqdm.write(f"{self.who}: {sentence}")
        sys.stdout.flush()


if __name__ == "__main__":
    run(main)
