"""Draw images from one trained model."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline import artifacts
from pipeline.models.base import GenerativeModel, ObservationModel
from pipeline.params import Samples
from pipeline.shapes import Images, as_pixels
from pipeline.stages import run, settings

BATCH = 1000  # images a pass, so that memory does not grow with the count


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="sample", description=__doc__)
    cli.add_argument("--config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    args = cli.parse_args(argv)

    model = artifacts.read_model(args.checkpoint)
    images, draws = [], []
    observed = torch.Generator().manual_seed(args.seed)
    for batch in draw(model, args.config.count, args.seed):
        images.append(as_pixels(batch).numpy())
        if isinstance(model, ObservationModel):
            draws.append(as_pixels(model.observe(batch, observed)).numpy())
    sets = {"images": np.concatenate(images)} | ({"draws": np.concatenate(draws)} if draws else {})
    artifacts.write_arrays(args.samples, **sets)


def draw(model: GenerativeModel, count: int, seed: int) -> Iterator[Images]:
    """`count` images in batches."""
    rng = torch.Generator().manual_seed(seed)
    for start in range(0, count, BATCH):
        yield model.sample(min(BATCH, count - start), rng)


if __name__ == "__main__":
    run(main)
