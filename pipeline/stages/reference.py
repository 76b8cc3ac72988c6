"""Hand out the test images as if a model had drawn them, so that the same code scores them."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="reference", description=__doc__)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    args = cli.parse_args(argv)
    artifacts.write_arrays(args.samples, images=artifacts.read_dataset(args.dataset).test_images)


if __name__ == "__main__":
    run(main)
