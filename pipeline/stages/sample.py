"""Draw images from one trained model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline import artifacts
from pipeline.models.base import ObservationModel
from pipeline.params import Samples
from pipeline.shapes import as_pixels
from pipeline.stages import run, settings

BATCH = 1000  # images a pass, so that hidden layers stay small


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="sample", description=__doc__)
    cli.add_argument("--config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    args = cli.parse_args(argv)

    model = artifacts.read_model(args.checkpoint)
    rng = torch.Generator().manual_seed(args.seed)
    starts = range(0, args.config.count, BATCH)
    images = torch.cat([model.sample(min(BATCH, args.config.count - start), rng) for start in starts])
    sets = {"images": as_pixels(images).numpy()}
    if isinstance(model, ObservationModel):
        sets["draws"] = as_pixels(model.observe(images, rng)).numpy()
    artifacts.write_arrays(args.samples, **sets)


if __name__ == "__main__":
    run(main)
