"""Make draws of a known set of images, as if a model had drawn them, so that the same code scores them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import artifacts
from pipeline.dataset import TEST
from pipeline.rulers import RULERS
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="ruler", description=__doc__)
    cli.add_argument("--ruler", choices=[TEST, *RULERS], required=True)
    cli.add_argument("--count", type=int, required=True, help="images in a draw")
    cli.add_argument("--draws", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    args = cli.parse_args(argv)
    data = artifacts.read_dataset(args.dataset)
    if args.ruler == TEST:
        images = data.test_images  # there are no others
    else:
        draws = [np.random.default_rng([0, draw]) for draw in range(args.draws)]
        images = np.concatenate([RULERS[args.ruler].make(data, args.count, rng) for rng in draws])
    artifacts.write_arrays(args.samples, images=images)


if __name__ == "__main__":
    run(main)
