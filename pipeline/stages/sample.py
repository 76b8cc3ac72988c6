"""Draw images from one trained model: as many as all its independent draws together hold."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline import artifacts
from pipeline.models.base import Conditional, ObservationModel
from pipeline.params import Samples
from pipeline.shapes import Labels, as_pixels
from pipeline.stages import run, settings

BATCH = 1000  # images a pass, so that hidden layers stay small


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="sample", description=__doc__)
    cli.add_argument("--config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--asked", type=Path, help="the labels that a conditional model is asked for")
    cli.add_argument("--samples", type=Path, required=True)
    args = cli.parse_args(argv)

    model = artifacts.read_model(args.checkpoint)
    rng = torch.Generator().manual_seed(args.seed)
    count = args.config.count * args.config.draws  # the draws follow each other
    if isinstance(model, Conditional):
        asked = asked_labels(args.asked, count, args.checkpoint)
        images = torch.cat([model.sample_labelled(labels, rng) for labels in asked.split(BATCH)])
    else:
        images = torch.cat([model.sample(min(BATCH, count - start), rng) for start in range(0, count, BATCH)])
    sets = {"images": as_pixels(images).numpy()}
    if isinstance(model, ObservationModel):
        sets["draws"] = as_pixels(model.observe(images[: args.config.count], rng)).numpy()
    artifacts.write_arrays(args.samples, **sets)


def asked_labels(path: Path | None, count: int, checkpoint: Path) -> Labels:
    """The `count` labels of a file that the stage `ask` wrote."""
    if path is None:
        raise ValueError(f"{checkpoint} is of a conditional model: expected --asked, the labels of its samples.")
    labels = artifacts.read_arrays(path)["labels"]
    if len(labels) != count:
        raise ValueError(f"{path} should hold {count} labels, one a sample; found {len(labels)}. Make it anew.")
    return torch.from_numpy(labels)


if __name__ == "__main__":
    run(main)
