"""Plot test images with a hidden part, and what one model makes of them."""

from pathlib import Path

import numpy as np

from pipeline.core import artifacts
from pipeline.figures import grids
from pipeline.stages.cli import run


def main(
    *,
    images_file: Path,
    picture_file: Path,
) -> None:
    """Write the plot: a row of true images, and for each hidden part a row of what is known and rows of completions."""
    arrays = artifacts.read_arrays(images_file)
    rows = [arrays["truth"]]
    for number in range(sum(name.startswith("known_") for name in arrays)):
        rows += [arrays[f"known_{number}"], *arrays[f"completed_{number}"].swapaxes(0, 1)]
    artifacts.write_bytes(picture_file, grids.exhibit(np.stack(rows)))


if __name__ == "__main__":
    run(main)
