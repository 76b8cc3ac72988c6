"""Plot all sources side by side: sharpness, confidence, precision against recall, distances, power spectra."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core import artifacts
from pipeline.core.names import BLURRED, SHOWN, TEST
from pipeline.figures import comparison, curves
from pipeline.figures.style import svg
from pipeline.metrics.sharpness import ROUNDING, laplacian_variance
from pipeline.stages.cli import run

EVERY = 10  # every tenth angle of the measured curves is plotted
SPACES = {"classifier": "classifier", "random": "random networks"}
HOME = "classifier"  # the space in which the distance is shown

Details = Mapping[str, Mapping[str, np.ndarray]]  # by source


def main(
    *,
    sample_files: list[Path],
    label_files: list[Path],
    detail_files: list[Path],
    sharpness_picture: Path,
    confidence_picture: Path,
    prd_picture: Path,
    prd_table: Path,
    extrapolation_picture: Path,
    extrapolation_table: Path,
    spectrum_picture: Path,
    spectrum_table: Path,
) -> None:
    """Write the plots and the tables behind them. Files in lists lie at `<source>/<seed>.*`.

    Args:
        sample_files: the images of the real test set and of each model, all seeds.
        label_files: the predicted labels of these images.
        detail_files: the curves of the real test images, of blurred images and of each model, one seed.
        sharpness_picture: to write.
        confidence_picture: to write.
        prd_picture: to write: precision against recall.
        prd_table: to write.
        extrapolation_picture: to write: the Fréchet distance by the number of samples.
        extrapolation_table: to write.
        spectrum_picture: to write: the power spectra.
        spectrum_table: to write.
    """
    variances = by_source(sample_files, lambda path: laplacian_variance(artifacts.read_arrays(path)["images"]))
    confidences = by_source(label_files, confidence)
    artifacts.write_bytes(sharpness_picture, svg(comparison.sharpness(variances)))
    artifacts.write_bytes(confidence_picture, svg(comparison.confidence(confidences)))

    details = {path.parent.name: artifacts.read_arrays(path) for path in detail_files}
    shown = {source: arrays for source, arrays in details.items() if source != BLURRED}
    prd = precision_recall(shown)
    artifacts.write_table(prd_table, rows_of_prd(prd))
    artifacts.write_bytes(prd_picture, svg(curves.precision_recall(prd)))

    distances = extrapolation(shown)
    artifacts.write_table(extrapolation_table, rows_of_extrapolation(distances))
    artifacts.write_bytes(extrapolation_picture, svg(curves.extrapolation(distances)))

    spectra = {source: np.maximum(arrays["spectrum"][1:], ROUNDING) for source, arrays in details.items()}
    ratios = {source: spectrum / spectra[TEST] for source, spectrum in spectra.items()}
    artifacts.write_table(spectrum_table, rows_of_spectra(spectra, ratios))
    models = {source: ratio for source, ratio in ratios.items() if source not in (TEST, BLURRED)}
    artifacts.write_bytes(spectrum_picture, svg(curves.spectra(models, {SHOWN[BLURRED]: ratios[BLURRED]})))


def by_source(paths: Sequence[Path], read: Callable[[Path], np.ndarray]) -> dict[str, np.ndarray]:
    """Return the values of all seeds of each source, joined."""
    values: dict[str, list[np.ndarray]] = {}
    for path in paths:
        values.setdefault(path.parent.name, []).append(read(path))
    return {model: np.concatenate(parts) for model, parts in values.items()}


def confidence(path: Path) -> np.ndarray:
    """Return the calibrated confidence (n,) in the labels of the images."""
    table = artifacts.read_table(path)
    return table.loc[table["set"] == "images", "confidence"].to_numpy()


def precision_recall(details: Details) -> dict[str, dict[str, np.ndarray]]:
    """Return the PRD curves by space and source: (points, 2), recall and precision.

    For several untrained networks, it is the mean over them. Sources without a curve are left out.
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
    """Return the plotted points (points, 2) of one curve: every tenth measured one."""
    precision = recall.replace("curve_recall", "curve_precision")
    return np.stack([arrays[recall], arrays[precision]], axis=1)[::EVERY]


def rows_of_prd(prd: Mapping[str, Mapping[str, np.ndarray]]) -> pd.DataFrame:
    """Return the points of all curves, one row each."""
    rows = [
        {"source": source, "space": space, "recall": recall, "precision": precision}
        for space, found in prd.items()
        for source, points in found.items()
        for recall, precision in points
    ]
    return pd.DataFrame(rows, columns=pd.Index(["source", "space", "recall", "precision"]))


def extrapolation(details: Details) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the sizes (points,) and the mean distance of each (points,), by source, if it has enough samples."""
    lines = {}
    for source, arrays in details.items():
        if (sizes := arrays.get(f"fd_sizes/{HOME}")) is not None:
            means = pd.Series(arrays[f"fd_distances/{HOME}"]).groupby(sizes).mean()
            lines[source] = (means.index.to_numpy(float), means.to_numpy())
    return lines


def rows_of_extrapolation(lines: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
    """Return the points of all lines, one row each."""
    rows = [
        {"source": source, "samples": int(n), "fd_percent": distance}
        for source, (sizes, distances) in lines.items()
        for n, distance in zip(sizes, distances, strict=True)
    ]
    return pd.DataFrame(rows, columns=pd.Index(["source", "samples", "fd_percent"]))


def rows_of_spectra(spectra: Mapping[str, np.ndarray], ratios: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the power of each source at each frequency, one row each."""
    return pd.concat(
        pd.DataFrame(
            {"source": source, "cycles": np.arange(1, len(power) + 1), "power": power, "times_real": ratios[source]}
        )
        for source, power in spectra.items()
    )


if __name__ == "__main__":
    run(main)
