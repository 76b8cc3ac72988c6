"""Draw a model's networks, its losses, and how its first training went, moment by moment."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.alarms import Alarm, Trained
from pipeline.figures import film, health, losses, networks, snapshots
from pipeline.figures.style import svg
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    histories = [artifacts.read_table(path) for path in args.history]
    objectives = artifacts.read_json(args.training)["objectives"]
    architecture = artifacts.read_json(args.networks)["networks"]
    artifacts.write_bytes(args.losses_figure, svg(losses.losses(histories, objectives)))
    artifacts.write_bytes(args.networks_figure, svg(networks.diagram(architecture)))
    trained = Trained(histories[0], artifacts.read_table(args.checks), artifacts.read_table(args.shares))
    alarms = [Alarm(*row) for row in artifacts.read_table(args.alarms).itertuples(index=False)]
    artifacts.write_bytes(args.health_figure, svg(health.health(trained, alarms)))
    per_epoch = histories[0]["step"].iloc[-1] / histories[0]["epoch"].iloc[-1]
    seen = artifacts.read_arrays(args.snapshots)
    artifacts.write_bytes(args.snapshots_figure, svg(snapshots.snapshots(seen["steps"], seen["images"], per_epoch)))
    sheet, table = film.film(seen["steps"], seen["images"], per_epoch)
    artifacts.write_bytes(args.film, sheet)
    artifacts.write_table(args.film_table, table)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_training", description=__doc__)
    parser.add_argument("--networks", type=Path, required=True, metavar="JSON")
    parser.add_argument(
        "--history", type=Path, nargs="+", required=True, metavar="CSV", help="of each seed, the first first"
    )
    parser.add_argument("--training", type=Path, required=True, metavar="JSON", help="of any seed")
    parser.add_argument("--checks", type=Path, required=True, metavar="CSV", help="of the first seed")
    parser.add_argument("--shares", type=Path, required=True, metavar="CSV", help="of the first seed")
    parser.add_argument("--alarms", type=Path, required=True, metavar="CSV", help="of the first seed")
    parser.add_argument("--snapshots", type=Path, required=True, metavar="NPZ", help="of the first seed")
    parser.add_argument("--losses-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--networks-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--health-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--snapshots-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--film", type=Path, required=True, metavar="PNG", help="to write")
    parser.add_argument("--film-table", type=Path, required=True, metavar="CSV", help="to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
