"""Draw what one conditional model was asked for against what the label predictor sees in it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts
from pipeline.figures import judge
from pipeline.figures.style import svg
from pipeline.metrics.calibration import confusion
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_asked", description=__doc__)
    cli.add_argument("--summary", type=Path, required=True, help="of the label predictor")
    cli.add_argument("--asked", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True, help="as predicted")
    cli.add_argument("--table", type=Path, required=True, help="to write: CSV")
    cli.add_argument("--figure", type=Path, required=True, help="to write: SVG")
    args = cli.parse_args(argv)

    names = artifacts.read_json(args.summary)["class_names"]
    asked = artifacts.read_arrays(args.asked)["labels"]
    labels = artifacts.read_table(args.labels)
    predicted = labels[labels["set"] == "images"].sort_values("index")["label"].to_numpy()
    if len(asked) != len(predicted):
        raise ValueError(
            f"{args.labels} should have a row for each of the {len(asked)} labels that {args.asked} asks for; "
            f"found {len(predicted)} images. Draw and label the samples again."
        )
    pairs = pd.DataFrame(confusion(asked, predicted, len(names))).rename(columns={"true": "asked"})
    counts = pairs.pivot(index="asked", columns="predicted", values="count").to_numpy()
    artifacts.write_table(args.table, pairs)
    artifacts.write_bytes(args.figure, svg(judge.asked(counts, names)))


if __name__ == "__main__":
    run(main)
