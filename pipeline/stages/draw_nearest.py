"""Draw one source's samples above the training images nearest to them, and which parts of the data it misses."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import artifacts
from pipeline.figures.bins import bins
from pipeline.figures.nearest import Pairs, choose, nearest
from pipeline.figures.style import svg
from pipeline.stages import run

DISTANCES = "nearest_distance/"
SPACES = {"pixels": "In pixels"}  # every other space is that of an untrained network
CHOSEN = {"first": "the first ten samples", "nearest": "the ten that come nearest"}


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_nearest", description=__doc__)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--reference", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--details", type=Path, required=True, help="of these samples")
    cli.add_argument("--real", type=Path, required=True, help="details of the real test images")
    cli.add_argument("--nearest-table", type=Path, required=True)
    cli.add_argument("--nearest-figure", type=Path, required=True)
    cli.add_argument("--bins-table", type=Path, required=True)
    cli.add_argument("--bins-figure", type=Path, required=True)
    args = cli.parse_args(argv)

    found = artifacts.read_arrays(args.details)
    table = chosen(found, artifacts.read_arrays(args.real))
    artifacts.write_table(args.nearest_table, table)
    samples, training = artifacts.read_arrays(args.samples)["images"], artifacts.read_dataset(args.dataset).train_images
    artifacts.write_bytes(args.nearest_figure, svg(nearest(pairs(table, samples, training))))

    shares = {name: found[f"bins_{name}"] for name in ("train", "fake", "z")}
    artifacts.write_table(args.bins_table, pd.DataFrame({"bin": range(len(shares["z"])), **shares}))
    centres = artifacts.read_arrays(args.reference)["bins/centres"].reshape(-1, *training.shape[1:])
    pictures = np.rint(255 * centres).astype(np.uint8)
    artifacts.write_bytes(args.bins_figure, svg(bins(pictures, **shares)))


def chosen(found: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The samples shown in each space in which neighbours were looked for, pixels first."""
    spaces = sorted(
        (name.removeprefix(DISTANCES) for name in found if name.startswith(DISTANCES)),
        key=lambda space: space != "pixels",
    )
    tables = {
        space: choose(found[f"nearest_index/{space}"], found[DISTANCES + space], real[DISTANCES + space])
        for space in spaces
    }
    return pd.concat([table.assign(space=space) for space, table in tables.items()], ignore_index=True)


def pairs(table: pd.DataFrame, samples: np.ndarray, training: np.ndarray) -> list[Pairs]:
    """The rows of the figure: the first samples and the nearest ones of each space."""
    return [
        Pairs(
            title=f"{SPACES.get(str(space), 'In features of an untrained network')}: {CHOSEN[str(choice)]}",
            samples=samples[part["sample"]],
            training=training[part["training_image"]],
            distances=part["times_real"].to_numpy(),
        )
        for (space, choice), part in table.groupby(["space", "chosen"], sort=False)
    ]


if __name__ == "__main__":
    run(main)
