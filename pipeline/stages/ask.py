"""Choose the labels that one conditional model with one seed is asked for: as frequent as in training, by chance."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline import artifacts
from pipeline.params import Samples
from pipeline.stages import run, settings


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="ask", description=__doc__)
    cli.add_argument("--config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--asked", type=Path, required=True)
    args = cli.parse_args(argv)

    labels = artifacts.read_dataset(args.dataset).train_labels
    rng = np.random.default_rng(args.seed)
    asked = rng.choice(labels, args.config.count * args.config.draws)  # the draws follow each other
    artifacts.write_arrays(args.asked, labels=asked)


if __name__ == "__main__":
    run(main)
