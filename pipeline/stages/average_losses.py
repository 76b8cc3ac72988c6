"""Average one model's losses over each epoch and over the seeds, for `dvc plots`."""

from pathlib import Path

import pandas as pd

from pipeline.core import artifacts
from pipeline.stages.cli import run


def main(
    *,
    history_files: list[Path],
    record_files: list[Path],
    curves_file: Path,
) -> None:
    """Write the mean loss of each objective in each epoch.

    Args:
        history_files: the logged terms of each step, a file per seed.
        record_files: the training records; the first says which terms are the loss of which objective.
        curves_file: to write: epoch, and a column for each objective.
    """
    histories = pd.concat([artifacts.read_table(path) for path in history_files])
    objectives = artifacts.read_json(record_files[0])["objectives"]
    losses = pd.DataFrame({name: histories[terms].sum(axis=1) for name, terms in objectives.items()})
    losses.insert(0, "epoch", histories["epoch"])
    artifacts.write_table(curves_file, losses.groupby("epoch", as_index=False).mean())


if __name__ == "__main__":
    run(main)
