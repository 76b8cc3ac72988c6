"""Draw what a fresh discriminator left of one GAN's gradient."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import perfect_discriminator
from pipeline.figures.style import svg
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_perfect_discriminator", description=__doc__)
    cli.add_argument("--gradients", type=Path, nargs="+", required=True, help="of each seed")
    cli.add_argument("--figure", type=Path, required=True)
    args = cli.parse_args(argv)
    experiments = [artifacts.read_table(path) for path in args.gradients]
    artifacts.write_bytes(args.figure, svg(perfect_discriminator.gradients(experiments)))


if __name__ == "__main__":
    run(main)
