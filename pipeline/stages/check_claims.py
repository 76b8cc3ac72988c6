"""Judge the paper's claims by what this run measured."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pandas as pd

from pipeline import artifacts
from pipeline.claims import claims
from pipeline.evidence import BySeed, Inputs, clear_confidence, loss_correlation, neighbour_hits
from pipeline.stages import run
from pipeline.summary import FLOOR

T = TypeVar("T")


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="check_claims", description=__doc__)
    cli.add_argument("--metrics", type=Path, required=True)
    cli.add_argument("--summary", type=Path, required=True)
    cli.add_argument("--verdicts", type=Path, required=True)
    for files, place in FILES.items():
        cli.add_argument(f"--{files}", type=Path, nargs="*", default=[], help=f"one a training: {place}")
    cli.add_argument("--claims", type=Path, required=True)
    args = cli.parse_args(argv)

    metrics = artifacts.read_table(args.metrics)
    records = by_seed(args.records, artifacts.read_json)
    counts = metrics[metrics["set"] == "images"].groupby("model")["n"].max().to_dict()  # images of one draw
    inputs = Inputs(
        metrics=metrics,
        summary=artifacts.read_table(args.summary),
        verdicts=artifacts.read_table(args.verdicts),
        records=records,
        alarms=by_seed(args.alarms, artifacts.read_table, lambda path: path.parent),
        gradients=by_seed(args.gradients, artifacts.read_table),
        confidence=by_seed(
            args.labels, lambda path: clear_confidence(artifacts.read_table(path), int(counts[path.parent.name]))
        ),
        correlations=correlations(args.histories, args.shares, records, metrics),
        neighbours=by_seed(args.latent, neighbours),
    )
    artifacts.write_table(args.claims, claims(inputs))


FILES = {
    "records": "MODEL/SEED.json",
    "alarms": "MODEL/SEED/alarms.csv",
    "gradients": "MODEL/SEED.csv, of adversarial models",
    "labels": "MODEL/SEED.csv",
    "histories": "MODEL/SEED.csv, of adversarial models",
    "shares": "MODEL/SEED/shares.csv, of the same",
    "latent": "MODEL/SEED-latent.npz, of autoencoders",
}


def by_seed(
    paths: Sequence[Path], read: Callable[[Path], T], place: Callable[[Path], Path] = lambda path: path
) -> dict[str, dict[int, T]]:
    """What files `MODEL/SEED.*` hold; `place` says which part of a longer path that is."""
    found: dict[str, dict[int, T]] = {}
    for path in paths:
        model, seed = place(path).parent.name, int(place(path).stem.removesuffix("-latent"))
        found.setdefault(model, {})[seed] = read(path)
    return found


def correlations(
    histories: Sequence[Path], shares: Sequence[Path], records: BySeed, metrics: pd.DataFrame
) -> BySeed[float]:
    """Of each generator's loss with the distance of the labels of its snapshots from those of the test images."""
    real = metrics[(metrics["model"] == FLOOR) & (metrics["metric"] == "share") & (metrics["set"] == "images")]
    truth = real.astype({"label": int}).groupby("label")["value"].mean()
    labelled = by_seed(shares, artifacts.read_table, lambda path: path.parent)

    def correlation(path: Path) -> float:
        model, seed = path.parent.name, int(path.stem)
        terms = records[model][seed]["objectives"]["generator"]
        return loss_correlation(artifacts.read_table(path), terms, labelled[model][seed], truth)

    return by_seed(histories, correlation)


def neighbours(path: Path) -> tuple[int, int]:
    arrays = artifacts.read_arrays(path)
    return neighbour_hits(arrays["codes"], arrays["labels"])


if __name__ == "__main__":
    run(main)
