"""Fetch the data set, verify it, and write it as one file."""

import sys
from pathlib import Path

from pipeline.core.params import Data
from pipeline.data import sources
from pipeline.data.dataset_file import write_dataset
from pipeline.stages.cli import run


def main(
    *,
    data: Data,
    raw_folder: Path,
    dataset_file: Path,
) -> None:
    """Write the data set.

    Args:
        data: the section of params.yaml, as JSON.
        raw_folder: where the original files are kept, in a folder named after the data set.
        dataset_file: to write.
    """

    def log(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    dataset = data.dataset
    write_dataset(dataset_file, sources.load(dataset, raw_folder / Path(dataset).name, log))


if __name__ == "__main__":
    run(main)
