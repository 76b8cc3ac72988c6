"""Draw what a fresh discriminator left of one GAN's gradient."""

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
    experiments = [artifacts.read_table(path) for path in gradient_files]
    artifacts.write_bytes(picture_file, svg(perfect_discriminator.gradients(experiments)))


if __name__ == "__main__":
    run(main)
