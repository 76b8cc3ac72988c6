"""Draw the latent space of an autoencoder."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import latent
from pipeline.figures.style import svg
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    arrays = artifacts.read_arrays(args.latent)
    names = artifacts.read_dataset(args.dataset).class_names
    artifacts.write_bytes(args.manifold, latent.manifold(arrays["manifold"]))
    artifacts.write_bytes(args.codes, svg(latent.codes(arrays["codes"], arrays["labels"], names)))
    artifacts.write_bytes(args.interpolations, latent.interpolations(arrays["ends"], arrays["between"]))
    about = {
        "dimensions": arrays["codes"].shape[1],
        "quantiles": arrays["quantiles"].round(4).tolist(),
        "pairs": arrays["end_labels"].tolist(),
    }
    artifacts.write_json(args.about, about)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_latent", description=__doc__)
    parser.add_argument("--latent", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--dataset", type=Path, required=True, metavar="NPZ")
    parser.add_argument("--manifold", type=Path, required=True, metavar="PNG", help="to write")
    parser.add_argument("--codes", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--interpolations", type=Path, required=True, metavar="PNG", help="to write")
    about = "to write: the dimensions, where the map's columns lie, and the labels of the pairs"
    parser.add_argument("--about", type=Path, required=True, metavar="JSON", help=about)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
