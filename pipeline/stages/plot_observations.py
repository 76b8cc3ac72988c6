"""Draw the draws from one model's observation model, beside the means that its other figures show."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.figures import grids
from pipeline.stages.cli import run


def main(
    *,
    samples_file: Path,
    picture_file: Path,
) -> None:
    artifacts.write_bytes(picture_file, grids.samples(artifacts.read_arrays(samples_file)["observations"]))


if __name__ == "__main__":
    run(main)
