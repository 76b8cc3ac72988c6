"""Average one model's losses over each epoch and over the seeds: what `dvc plots` draws."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline import artifacts
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="curves", description=__doc__)
    cli.add_argument("--histories", type=Path, nargs="+", required=True)
    cli.add_argument("--records", type=Path, nargs="+", required=True)
    cli.add_argument("--curves", type=Path, required=True)
    args = cli.parse_args(argv)

    histories = pd.concat([artifacts.read_table(path) for path in args.histories])
    objectives = artifacts.read_json(args.records[0])["objectives"]
    losses = pd.DataFrame({name: histories[terms].sum(axis=1) for name, terms in objectives.items()})
    losses.insert(0, "epoch", histories["epoch"])
    artifacts.write_table(args.curves, losses.groupby("epoch", as_index=False).mean())


if __name__ == "__main__":
    run(main)
