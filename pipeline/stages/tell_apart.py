"""Train networks to tell the samples of one source from the real test images, and see how well they do.

As many samples as there are test images, if there are as many; the test images themselves are one half against the
other.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline import artifacts, compute
from pipeline.dataset import TEST
from pipeline.metrics.by_networks import told_apart
from pipeline.params import Compute, Samples
from pipeline.stages import run, settings
from pipeline.trained_tests import tell_apart


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="tell_apart", description=__doc__)
    cli.add_argument("--samples-config", type=settings(Samples, "samples"), required=True)
    cli.add_argument("--compute", type=settings(Compute, "compute"), required=True)
    cli.add_argument("--model", required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--measures", type=Path, required=True)
    args = cli.parse_args(argv)

    arithmetic = compute.choose(args.compute)
    test = artifacts.read_dataset(args.dataset).test_images
    rows = []
    for name, images in artifacts.read_arrays(args.samples).items():
        sets = (
            halves(test, args.samples_config.draws) if args.model == TEST else draws(images, test, args.samples_config)
        )
        for number, (real, fake) in enumerate(sets):
            found = told_apart(*tell_apart(torch.from_numpy(real), torch.from_numpy(fake), arithmetic, number))
            print(
                f"{args.model}: {name}, draw {number + 1} · {found.accuracy:.2%} right, p = {found.p:.2g} by guessing",
                file=sys.stderr,
                flush=True,
            )
            about = {"set": name, "draw": number, "space": "pixels", "n": found.n}
            rows += [
                {"metric": "network_accuracy", "value": found.accuracy, "lower": found.lower, "upper": found.upper}
                | about,
                {"metric": "network_gap", "value": found.gap} | about,
            ]
    artifacts.write_scores(args.measures, rows, args.model, args.seed)


def halves(test: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The test images cut in two at random, `count` times."""
    half = len(test) // 2
    for number in range(count):
        order = shuffled(len(test), number)
        yield test[order[:half]], test[order[half : 2 * half]]


def draws(images: np.ndarray, test: np.ndarray, config: Samples) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Random test images, and as many samples of each of the draws that an array holds one after the other."""
    n = min(config.count, len(test))
    for number in range(len(images) // config.count):
        start = number * config.count
        yield test[shuffled(len(test), number)[:n]], images[start : start + n]


def shuffled(test: int, number: int) -> np.ndarray:
    """The test images in the order of this draw, as indices: the same for all sources."""
    return np.random.default_rng([test, number]).permutation(test)


if __name__ == "__main__":
    run(main)
