"""Plot samples of one model's observation model; its other figures show the means."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.figures import grids
from pipeline.stages.cli import run


def main(
    *,
    samples_file: Path,
    picture_file: Path,
) -> None:
    """Write the plot."""
    artifacts.write_bytes(picture_file, grids.samples(artifacts.read_arrays(samples_file)["observations"]))


if __name__ == "__main__":
    run(main)
