"""Get the data set, verify it, and write it as one file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts, sources
from pipeline.params import Data
from pipeline.stages import run, settings


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="fetch", description=__doc__)
    cli.add_argument("--config", type=settings(Data, "data"), required=True)
    cli.add_argument("--raw", type=Path, required=True, help="folder of the downloads, one in it for each data set")
    cli.add_argument("--dataset", type=Path, required=True)
    args = cli.parse_args(argv)

    def log(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    dataset = args.config.dataset
    artifacts.write_dataset(args.dataset, sources.load(dataset, args.raw / Path(dataset).name, log))


if __name__ == "__main__":
    run(main)
