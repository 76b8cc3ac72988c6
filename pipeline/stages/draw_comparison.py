"""Draw how sharp each model's images are and how sure the classifier is of them, all seeds together."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pipeline import artifacts
from pipeline.figures import comparison
from pipeline.figures.style import svg
from pipeline.metrics.sharpness import laplacian_variance
from pipeline.stages import run


def main(argv: Sequence[str] | None = None) -> None:
    args = parse(argv)
    variances = by_model(args.samples, lambda path: laplacian_variance(artifacts.read_arrays(path)["images"]))
    confidences = by_model(args.labels, confidence)
    artifacts.write_bytes(args.sharpness, svg(comparison.sharpness(variances)))
    artifacts.write_bytes(args.confidence, svg(comparison.confidence(confidences)))


def by_model(paths: Sequence[Path], read: Callable[[Path], np.ndarray]) -> dict[str, np.ndarray]:
    """The values of all seeds of each model, from files `<model>/<seed>.*`."""
    values: dict[str, list[np.ndarray]] = {}
    for path in paths:
        values.setdefault(path.parent.name, []).append(read(path))
    return {model: np.concatenate(parts) for model, parts in values.items()}


def confidence(path: Path) -> np.ndarray:
    """The calibrated confidence (n,) in the labels of the images."""
    table = artifacts.read_table(path)
    return table.loc[table["set"] == "images", "confidence"].to_numpy()


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipeline.stages.draw_comparison", description=__doc__)
    files = "one for each model and seed: .../MODEL/SEED"
    parser.add_argument("--samples", type=Path, nargs="+", required=True, metavar="NPZ", help=f"{files}.npz")
    parser.add_argument("--labels", type=Path, nargs="+", required=True, metavar="CSV", help=f"{files}.csv")
    parser.add_argument("--sharpness", type=Path, required=True, metavar="SVG", help="to write")
    parser.add_argument("--confidence", type=Path, required=True, metavar="SVG", help="to write")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
