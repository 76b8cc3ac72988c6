"""Runs a stage that plots on arrays and tables, for tests of what it shows."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core import artifacts
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.stages import plot_images

ENDINGS = {"picture": "", "table": ".csv"}


def outputs(stage: Callable[..., None], folder: Path) -> dict[str, Path]:
    """Return a path for each picture and table that a stage writes: `losses_picture` is `folder/losses`."""
    named = [(name, *name.rpartition("_")[::2]) for name in inspect.signature(stage).parameters]
    return {name: folder / f"{what}{ENDINGS[kind]}" for name, what, kind in named if kind in ENDINGS}


def details(seed: int, samples: int = 30, training: int = 40, enough: bool = True) -> dict[str, np.ndarray]:
    """What was measured of a source; of too few samples without the curves that need more."""
    rng = np.random.default_rng(seed)
    shares = {name: rng.dirichlet(np.ones(8)) for name in ("bins_train", "bins_fake")}
    found = {"spectrum": np.r_[5.0, rng.random(20)], "bins_z": 3 * rng.standard_normal(8), **shares}
    for space in ("random_1", "pixels"):
        found[f"nearest_index/{space}"] = rng.integers(0, training, samples)
        found[f"nearest_distance/{space}"] = rng.random(samples)
    if enough:
        for space in ("classifier", "random_1", "random_2"):
            found |= {f"curve_{axis}/{space}": rng.random(1001) for axis in ("precision", "recall")}
        sizes = np.array([500.0, 1000, 5000]).repeat(3)
        found |= {"fd_sizes/classifier": sizes, "fd_distances/classifier": 3 + 100 / sizes}
    return found


def labels_of(count: int, classes: int = 4, seed: int = 0) -> pd.DataFrame:
    """A labels table whose confidences repeat, as those of sure predictions do."""
    rng = np.random.default_rng(seed)
    probabilities = np.array([rng.multinomial(8, shares) / 8 for shares in rng.dirichlet(np.full(classes, 0.3), count)])
    table = pd.DataFrame(probabilities).add_prefix("p_")
    table.insert(0, "kind", np.resize(["clear", "ambiguous", "unlike"], count))
    table.insert(0, "confidence", probabilities.max(1))
    table.insert(0, "label", probabilities.argmax(1))
    table.insert(0, "index", range(count))
    table.insert(0, "set", "images")
    return table


def plot_images_of(
    folder: Path,
    images: np.ndarray,
    labels: pd.DataFrame,
    training: np.ndarray,
    mine: Mapping[str, np.ndarray],
    real: Mapping[str, np.ndarray],
    centres: np.ndarray | None = None,
) -> None:
    """Run `plot_images`; its pictures and tables are in the folder, by their names: `gallery`, `gallery.csv`, ..."""
    names = [column.removeprefix("p_") for column in labels if column.startswith("p_")]
    classes = np.arange(len(training)) % len(names)
    write_dataset(folder / "data.npz", Dataset(training, classes, training[:9], classes[:9], names))
    artifacts.write_arrays(
        folder / "reference.npz", **{"bins/centres": np.zeros((8, 784)) if centres is None else centres}
    )
    artifacts.write_arrays(folder / "samples.npz", images=images, observations=images[::-1])
    artifacts.write_table(folder / "labels.csv", labels)
    artifacts.write_arrays(folder / "details.npz", **mine)
    artifacts.write_arrays(folder / "real.npz", **real)
    plot_images.main(
        dataset_file=folder / "data.npz",
        reference_file=folder / "reference.npz",
        samples_file=folder / "samples.npz",
        labels_file=folder / "labels.csv",
        details_file=folder / "details.npz",
        real_details_file=folder / "real.npz",
        **outputs(plot_images.main, folder / "out"),
    )
