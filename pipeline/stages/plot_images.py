"""Plot the images of one source: samples, predicted labels, a gallery, nearest training images, and bins."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core import artifacts
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.protocol import rows_of
from pipeline.figures import gallery, grids, labels
from pipeline.figures.bins import bins
from pipeline.figures.nearest import Pairs, choose, nearest
from pipeline.figures.style import svg
from pipeline.metrics.proportions import shares, wilson
from pipeline.stages.cli import run

DISTANCES = "nearest_distance/"
SPACES = {"pixels": "In pixels"}  # every other space is that of an untrained network
CHOSEN = {"first": "the first ten samples", "nearest": "the ten that come nearest"}


def main(
    *,
    dataset_file: Path,
    reference_file: Path,
    samples_file: Path,
    labels_file: Path,
    details_file: Path,
    real_details_file: Path,
    samples_picture: Path,
    labels_picture: Path,
    ambiguous_picture: Path,
    classes_picture: Path,
    gallery_picture: Path,
    gallery_table: Path,
    nearest_picture: Path,
    nearest_table: Path,
    bins_picture: Path,
    bins_table: Path,
) -> None:
    """Write the plots of one source and the tables behind them.

    Args:
        dataset_file: the data set.
        reference_file: what scores need of the real images, for the centres of the bins.
        samples_file: the images of the source.
        labels_file: their predicted labels.
        details_file: their nearest training images, and the test of each bin.
        real_details_file: the same of the real test images, whose distances are the unit.
        samples_picture: to write.
        labels_picture: to write: the first images with their predicted labels.
        ambiguous_picture: to write: the images of the lowest confidence.
        classes_picture: to write: the share of each predicted label.
        gallery_picture: to write.
        gallery_table: to write.
        nearest_picture: to write: samples beside their nearest training images.
        nearest_table: to write.
        bins_picture: to write: the bins with too many or too few samples.
        bins_table: to write.
    """
    data = read_dataset(dataset_file)
    images = artifacts.read_arrays(samples_file)["images"]
    predicted = rows_of(artifacts.read_table(labels_file), "images", len(images))
    details, real = artifacts.read_arrays(details_file), artifacts.read_arrays(real_details_file)

    artifacts.write_bytes(samples_picture, grids.samples(images))
    plot_labels(images, predicted, data, labels_picture, ambiguous_picture, classes_picture)

    tiles = gallery.tiles(predicted)
    artifacts.write_bytes(gallery_picture, gallery.sheet(images, tiles["index"].to_numpy()))
    artifacts.write_table(gallery_table, tiles)

    neighbours = chosen(details, real)
    artifacts.write_table(nearest_table, neighbours)
    artifacts.write_bytes(nearest_picture, svg(nearest(pairs(neighbours, images, data.train_images))))

    shares_of_bins = {name: details[f"bins_{name}"] for name in ("train", "fake", "z")}
    artifacts.write_table(bins_table, pd.DataFrame({"bin": range(len(details["bins_z"])), **shares_of_bins}))
    centres = artifacts.read_arrays(reference_file)["bins/centres"].reshape(-1, *data.train_images.shape[1:])
    artifacts.write_bytes(bins_picture, svg(bins(np.rint(255 * centres).astype(np.uint8), **shares_of_bins)))


def plot_labels(
    images: np.ndarray,
    predicted: pd.DataFrame,
    data: Dataset,
    labels_picture: Path,
    ambiguous_picture: Path,
    classes_picture: Path,
) -> None:
    """Plot the first images with their labels, the most ambiguous ones, and how often each class was predicted."""
    names = data.class_names
    probabilities = predicted[[f"p_{label}" for label in range(len(names))]].to_numpy()
    label, confidence = predicted["label"].to_numpy(), predicted["confidence"].to_numpy()
    counts = np.bincount(label, minlength=len(names))
    lower, upper = np.transpose([wilson(int(count), len(label)) for count in counts])
    training = shares(data.train_labels, len(names))
    artifacts.write_bytes(labels_picture, svg(grids.labelled(images, label, confidence, names)))
    artifacts.write_bytes(ambiguous_picture, svg(grids.ambiguous(images, probabilities, names)))
    artifacts.write_bytes(classes_picture, svg(labels.classes(counts / len(label), lower, upper, training, names)))


def chosen(found: Mapping[str, np.ndarray], real: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Return the samples to show with their nearest training images, for each space, pixels first."""
    spaces = sorted(
        (name.removeprefix(DISTANCES) for name in found if name.startswith(DISTANCES)),
        key=lambda space: space != "pixels",
    )
    tables = {
        space: choose(found[f"nearest_index/{space}"], found[DISTANCES + space], real[DISTANCES + space])
        for space in spaces
    }
    return pd.concat([table.assign(space=space) for space, table in tables.items()], ignore_index=True)


def pairs(table: pd.DataFrame, samples: np.ndarray, training: np.ndarray) -> list[Pairs]:
    """Return the rows of the figure: the first samples and the nearest ones, for each space."""
    return [
        Pairs(
            title=f"{SPACES.get(str(space), 'In features of an untrained network')}: {CHOSEN[str(choice)]}",
            samples=samples[part["sample"]],
            training=training[part["training_image"]],
            distances=part["times_real"].to_numpy(),
        )
        for (space, choice), part in table.groupby(["space", "chosen"], sort=False)
    ]


if __name__ == "__main__":
    run(main)
