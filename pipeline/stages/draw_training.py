"""Draw a model's training losses and its networks."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import losses, networks
from pipeline.figures.style import svg
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    histories = [artifacts.read_table(path) for path in args.history]
    objectives = artifacts.read_json(args.training)["objectives"]
    architecture = artifacts.read_json(args.networks)["networks"]
    artifacts.write_bytes(args.losses_figure, svg(losses.losses(histories, objectives)))
    artifacts.write_bytes(args.networks_figure, svg(networks.diagram(architecture)))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_training", description=__doc__)
    parser.add_argument("--networks", type=Path, required=True, metavar="JSON")
    parser.add_argument("--history", type=Path, nargs="+", required=True, metavar="CSV", help="of each seed")
    parser.add_argument("--training", type=Path, required=True, metavar="JSON", help="of any seed")
    parser.add_argument("--losses-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--networks-figure", type=Path, required=True, metavar="SVG", help="to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
