"""Draw the draws from one model's observation model, beside the means that its other figures show."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import grids
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_draws", description=__doc__)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--draws", type=Path, required=True)
    args = cli.parse_args(argv)
    artifacts.write_bytes(args.draws, grids.samples(artifacts.read_arrays(args.samples)["draws"]))


if __name__ == "__main__":
    run(main)
