"""Draw all models' curves: precision against recall, distance against the number of samples, power spectrum."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import artifacts
from pipeline.dataset import TEST
from pipeline.figures import curves
from pipeline.figures.style import svg
from pipeline.metrics.sharpness import ROUNDING
from pipeline.rulers import RULERS
from pipeline.stages import run

BLURRED = "blurred"
EVERY = 10  # angles of the measured curves from one that is drawn to the next
SPACES = {"classifier": "classifier", "random": "random networks"}
HOME = "classifier"  # the space in which the distance is shown

Details = Mapping[str, Mapping[str, np.ndarray]]  # by source


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="draw_coverage", description=__doc__)
    files = "of the real test images, of blurred ones, and of each model: .../SOURCE/SEED.npz"
    cli.add_argument("--details", type=Path, nargs="+", required=True, help=files)
    cli.add_argument("--prd-table", type=Path, required=True)
    cli.add_argument("--prd-figure", type=Path, required=True)
    cli.add_argument("--extrapolation-table", type=Path, required=True)
    cli.add_argument("--extrapolation-figure", type=Path, required=True)
    cli.add_argument("--spectrum-table", type=Path, required=True)
    cli.add_argument("--spectrum-figure", type=Path, required=True)
    args = cli.parse_args(argv)
    found = {path.parent.name: artifacts.read_arrays(path) for path in args.details}
    shown = {source: arrays for source, arrays in found.items() if source != BLURRED}

    prd = precision_recall(shown)
    artifacts.write_table(args.prd_table, prd_table(prd))
    artifacts.write_bytes(args.prd_figure, svg(curves.precision_recall(prd)))

    distances = extrapolation(shown)
    artifacts.write_table(args.extrapolation_table, extrapolation_table(distances))
    artifacts.write_bytes(args.extrapolation_figure, svg(curves.extrapolation(distances)))

    spectra = {source: np.maximum(arrays["spectrum"][1:], ROUNDING) for source, arrays in found.items()}
    ratios = {source: spectrum / spectra[TEST] for source, spectrum in spectra.items()}
    artifacts.write_table(args.spectrum_table, spectrum_table(spectra, ratios))
    models = {source: ratio for source, ratio in ratios.items() if source not in (TEST, BLURRED)}
    rulers = {RULERS[BLURRED].title: ratios[BLURRED]}
    artifacts.write_bytes(args.spectrum_figure, svg(curves.spectra(models, rulers)))


def precision_recall(details: Details) -> dict[str, dict[str, np.ndarray]]:
    """For each space the curve of each source that has one: (points, 2), recall and precision.

    Of several untrained networks it is the mean.
    """
    return {
        title: {
            source: np.mean(of_source, axis=0)
            for source, arrays in details.items()
            if (of_source := [curve(arrays, name) for name in arrays if name.startswith(f"curve_recall/{space}")])
        }
        for space, title in SPACES.items()
    }


def curve(arrays: Mapping[str, np.ndarray], recall: str) -> np.ndarray:
    """The points (points, 2) that are drawn of one curve: some of the measured ones."""
    precision = recall.replace("curve_recall", "curve_precision")
    return np.stack([arrays[recall], arrays[precision]], axis=1)[::EVERY]


def prd_table(prd: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """The points of all curves, a row each."""
    rows = [
        {"source": source, "space": space, "recall": recall, "precision": precision}
        for space, found in prd.items()
        for source, points in found.items()
        for recall, precision in points
    ]
    return pd.DataFrame(rows, columns=pd.Index(["source", "space", "recall", "precision"]))


def extrapolation(details: Details) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each source that has enough samples: the sizes (points,), and the mean distance (points,) of each size."""
    lines = {}
    for source, arrays in details.items():
        if (sizes := arrays.get(f"fd_sizes/{HOME}")) is not None:
            means = pd.Series(arrays[f"fd_distances/{HOME}"]).groupby(sizes).mean()
            lines[source] = (means.index.to_numpy(float), means.to_numpy())
    return lines


def extrapolation_table(lines: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """The points of all lines, a row each."""
    rows = [
        {"source": source, "samples": int(n), "fd_percent": distance}
        for source, (sizes, distances) in lines.items()
        for n, distance in zip(sizes, distances, strict=True)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["source", "samples", "fd_percent"]))


def spectrum_table(spectra: Mapping[str, np.ndarray], ratios: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The power of each source at each frequency, a row each."""
    return pd.concat(
        pd.DataFrame(
            {"source": source, "cycles": np.arange(1, len(power) + 1), "power": power, "times_real": ratios[source]}
        )
        for source, power in spectra.items()
    )


if __name__ == "__main__":
    run(main)
