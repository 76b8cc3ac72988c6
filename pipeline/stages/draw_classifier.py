"""Draw what the classifier confuses and how far its confidence can be believed."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline import artifacts
from pipeline.figures import judge
from pipeline.figures.style import svg
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    names = artifacts.read_json(args.summary)["class_names"]
    pairs = artifacts.read_table(args.confusion)
    counts = pairs.pivot(index="true", columns="predicted", values="count").to_numpy()
    bins = artifacts.read_table(args.reliability)
    artifacts.write_bytes(args.confusion_figure, svg(judge.confusion(counts, names)))
    artifacts.write_bytes(args.reliability_figure, svg(judge.reliability(bins)))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_classifier", description=__doc__)
    parser.add_argument("--summary", type=Path, required=True, metavar="JSON")
    parser.add_argument("--confusion", type=Path, required=True, metavar="CSV")
    parser.add_argument("--reliability", type=Path, required=True, metavar="CSV")
    parser.add_argument("--confusion-figure", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--reliability-figure", type=Path, required=True, metavar="SVG", help="to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
