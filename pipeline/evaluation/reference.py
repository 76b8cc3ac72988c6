"""What every score needs of the real images, made once for a data set and a set of feature networks."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.metrics import bins, birthday, novelty
from pipeline.metrics.clusters import cells, centres


@dataclass(frozen=True, eq=False)
class Training:
    """The training images in one space, and what the tests of novelty need of them."""

    samples: np.ndarray  # (n, d)
    own: np.ndarray  # (n,) the distance of each to the nearest other one
    centres: np.ndarray  # (cells, d) of k-means
    test: np.ndarray  # (m,) the distance of each test image to the nearest training image
    test_cells: np.ndarray  # (m,)


@dataclass(frozen=True, eq=False)
class Reference:
    """The test images in each feature space, and the training images as far as scores need them."""

    features: Mapping[str, np.ndarray]  # of the test images: (m, d) for each feature space
    digests: Mapping[str, str]  # of the networks of these spaces
    labels: np.ndarray  # (m,) of the test images, as predicted
    training: Mapping[str, Training]  # in the spaces of novelty
    bins: bins.Bins  # of the training pixels
    alike: float  # the distance of pixels below which two images count as one


def vectors(images: np.ndarray) -> np.ndarray:
    """Images (n, 28, 28) uint8 as vectors (n, 784) of pixel values from 0 to 1, float32."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def learn(
    data: Dataset,
    labels: np.ndarray,
    features: Mapping[str, np.ndarray],
    digests: Mapping[str, str],
    trained: Mapping[str, np.ndarray],
    own: Mapping[str, np.ndarray],
    seen: Mapping[str, np.ndarray],
) -> Reference:
    """Learn what scores need.

    Args:
        labels: (m,) of the test images, as predicted.
        features: of the test images: (m, d) for each feature space.
        digests: of the networks of these spaces.
        trained: of the training images: (n, d) for the feature spaces in which novelty is tested, beside pixels.
        own: the distance of each training image to the nearest other one: (n,) for these spaces and `pixels`.
        seen: the distance of each test image to the nearest training image: (m,) likewise.
    """
    rng = np.random.default_rng(0)
    train, test = vectors(data.train_images), vectors(data.test_images)
    return Reference(
        features=features,
        digests=digests,
        labels=labels,
        training={
            space: learn_training(samples, tested, own[space], seen[space], rng)
            for space, samples, tested in [
                ("pixels", train, test),
                *((space, samples, features[space]) for space, samples in trained.items()),
            ]
        },
        bins=bins.fit_bins(train, rng, min(bins.BINS, len(train))),
        alike=birthday.duplicate_distance(train, data.train_labels),
    )


def learn_training(
    train: np.ndarray, test: np.ndarray, own: np.ndarray, seen: np.ndarray, rng: np.random.Generator
) -> Training:
    """What novelty needs of training samples (n, d), and of test samples (m, d) in the same space."""
    found = centres(train, min(novelty.CELLS, len(train)), rng)
    return Training(
        samples=train,
        own=own,
        centres=found,
        test=seen,
        test_cells=cells(test, found),
    )


def to_arrays(reference: Reference) -> dict[str, np.ndarray]:
    """The reference as named arrays; the training pixels are left to the data set."""
    arrays = {"labels": reference.labels, "alike": np.array(reference.alike)}
    arrays |= {f"features/{space}": found for space, found in reference.features.items()}
    arrays |= {f"digests/{space}": np.array(found) for space, found in reference.digests.items()}
    arrays |= {f"bins/{field.name}": getattr(reference.bins, field.name) for field in fields(bins.Bins)}
    for space, training in reference.training.items():
        arrays |= {f"training/{space}/{field.name}": getattr(training, field.name) for field in fields(Training)}
    del arrays["training/pixels/samples"]
    return arrays


def from_arrays(arrays: Mapping[str, np.ndarray], data: Dataset) -> Reference:
    """The inverse of `to_arrays`."""

    def under(prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(prefix): found for name, found in arrays.items() if name.startswith(prefix)}

    spaces = list(dict.fromkeys(name.partition("/")[0] for name in under("training/")))
    pixels = {"samples": vectors(data.train_images)}
    return Reference(
        features=under("features/"),
        digests={space: str(found) for space, found in under("digests/").items()},
        labels=arrays["labels"],
        training={
            space: Training(**(pixels if space == "pixels" else {}), **under(f"training/{space}/")) for space in spaces
        },
        bins=bins.Bins(**under("bins/")),
        alike=float(arrays["alike"]),
    )
