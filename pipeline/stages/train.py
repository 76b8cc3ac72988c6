"""Train one model with one seed."""

import argparse
import datetime
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline import artifacts, compute, training
from pipeline.models import family
from pipeline.models.base import FittedModel, TrainedModel, TrainingConfig, count
from pipeline.params import Compute, check
from pipeline.resume import ResumeFile, key_of
from pipeline.shapes import as_images
from pipeline.stages import run, settings

TELL_EVERY = 10.0  # seconds between two lines on the terminal


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
    cli.add_argument("--record", type=Path, required=True)
    args = cli.parse_args(argv)

    kind = family(args.family)
    config = check(kind.Config, args.config, f"models.{args.model}")
    arithmetic = compute.choose(args.compute)
    data = artifacts.read_dataset(args.dataset)
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    test = torch.from_numpy(data.test_images).to(arithmetic.device)

    torch.manual_seed(args.seed)
    model = kind(config).to(arithmetic.device)
    history, fit = training.History(steps_per_epoch=1), training.Evaluation()
    teller = Teller(args.model, args.seed)
    key = key_of(args.dataset, f"{args.family} {config} {arithmetic} {args.seed}")
    resume = ResumeFile(args.resume, key, teller.say, args.resume_every)
    started = time.perf_counter()
    if isinstance(model, TrainedModel):
        history = training.train(model, pixels, arithmetic, args.seed, teller, resume)
    elif isinstance(model, FittedModel):
        model.fit(as_images(pixels))
    seconds = history.seconds or time.perf_counter() - started  # a resumed training's: of all its processes
    if isinstance(model, TrainedModel):
        fit = training.evaluate(model, test)

    steps = range(1, len(history.rows) + 1)
    table = pd.DataFrame(history.rows, columns=pd.Index(history.columns))
    table.insert(0, "step", steps)
    table.insert(1, "epoch", [math.ceil(step / history.steps_per_epoch) for step in steps])
    artifacts.write_table(args.history, table)

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
            "steps": len(steps),
            "epochs": epochs,
            "images_seen": epochs * len(pixels),
            "seconds": round(seconds, 2),
            "images_per_second": round(epochs * len(pixels) / seconds),
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


class Teller:
    """Says on the terminal how far a training is: at most one line in `TELL_EVERY` seconds, and the last."""

    def __init__(self, model: str, seed: int) -> None:
        self.who = f"{model}, seed {seed}"
        self.last = time.monotonic()

    def __call__(self, progress: training.Progress) -> None:
        if time.monotonic() - self.last < TELL_EVERY and progress.epoch < progress.epochs:
            return
        self.last = time.monotonic()
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        logged = " ".join(f"{name} {value:.3g}" for name, value in progress.logged.items())
        self.say(
            f"epoch {progress.epoch}/{progress.epochs} · {progress.images_per_second:,.0f} images/s"
            f" · {minutes}:{seconds:02d} left · {logged}"
        )

    def say(self, sentence: str) -> None:
        print(f"{self.who}: {sentence}", flush=True)


if __name__ == "__main__":
    run(main)
