"""Draw the first samples of one source as a gallery, sorted by predicted label."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import gallery
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_gallery", description=__doc__)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True)
    cli.add_argument("--sheet", type=Path, required=True, help="to write: PNG")
    cli.add_argument("--table", type=Path, required=True, help="to write: CSV, a row for each image of the sheet")
    args = cli.parse_args(argv)

    tiles = gallery.tiles(artifacts.read_table(args.labels))
    images = artifacts.read_arrays(args.samples)["images"]
    artifacts.write_bytes(args.sheet, gallery.sheet(images, tiles["index"].to_numpy()))
    artifacts.write_table(args.table, tiles)


if __name__ == "__main__":
    run(main)
