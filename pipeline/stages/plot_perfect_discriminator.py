"""Plot the norm of one GAN's generator gradient while a fresh discriminator trains."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.figures import perfect_discriminator
from pipeline.figures.style import svg
from pipeline.stages.cli import run


def main(
    *,
    gradient_files: list[Path],
    picture_file: Path,
) -> None:
    """Write the plot of the experiments, one file of gradients per seed."""
    experiments = [artifacts.read_table(path) for path in gradient_files]
    artifacts.write_bytes(picture_file, svg(perfect_discriminator.gradients(experiments)))


if __name__ == "__main__":
    run(main)
