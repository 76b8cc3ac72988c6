"""Prepare what every score needs of the real images, once per data set and set of feature networks."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from pipeline.data.dataset import Dataset
from pipeline.metrics import bins, birthday, novelty
from pipeline.metrics.clusters import cells, k_means


@dataclass(frozen=True, eq=False)
class Training:
    """Hold what the novelty tests need of the training and test images in one space."""

    samples: np.ndarray | None  # (n, d); None for pixels, which the data set holds
    own: np.ndarray  # (n,) distance of each training image to the nearest other one
    centres: np.ndarray  # (cells, d) of k-means on the training images
    test: np.ndarray  # (m,) distance of each test image to the nearest training image
    test_cells: np.ndarray  # (m,) the k-means cell of each test image


@dataclass(frozen=True, eq=False)
class Reference:
    """Hold the test images in each feature space, and what scores need of the training images."""

    features: Mapping[str, np.ndarray]  # of the test images: (m, d) for each feature space
    digests: Mapping[str, str]  # of the networks of these spaces
    labels: np.ndarray  # (m,) predicted labels of the test images
    training: Mapping[str, Training]  # in the spaces of novelty
    bins: bins.Bins  # of the training pixels
    alike: float  # the distance in pixels below which two images count as one


def vectors(images: np.ndarray) -> np.ndarray:
    """Return images (n, 28, 28) uint8 as vectors (n, 784) of pixel values from 0 to 1, in float32."""
    return images.reshape(len(images), -1).astype(np.float32) / 255


def learn(
    data: Dataset,
    labels: np.ndarray,
    features: Mapping[str, np.ndarray],
    digests: Mapping[str, str],
    trained: Mapping[str, np.ndarray],
    own: Mapping[str, np.ndarray],
    twins: np.ndarray,
    seen: Mapping[str, np.ndarray],
) -> Reference:
    """Return the reference: the test images, and what scores need of the training images.

    Args:
        data: the real images.
        labels: (m,) predicted labels of the test images.
        features: (m, d) of the test images, for each feature space.
        digests: of the networks of these spaces.
        trained: (n, d) of the training images, for each feature space in which novelty is tested, beside pixels.
        own: (n,) distance of each training image to the nearest other one, for these spaces and `pixels`.
        twins: (k,) distances of training images to the nearest other one of the same class, in pixels.
        seen: (m,) distance of each test image to the nearest training image, for these spaces and `pixels`.
    """
    rng = np.random.default_rng(0)
    train, test = vectors(data.train_images), vectors(data.test_images)
    return Reference(
        features=features,
        digests=digests,
        labels=labels,
        training={
            "pixels": replace(learn_training(train, test, own["pixels"], seen["pixels"], rng), samples=None),
            **{
                space: learn_training(samples, features[space], own[space], seen[space], rng)
                for space, samples in trained.items()
            },
        },
        bins=bins.fit_bins(train, rng, min(bins.BINS, len(train))),
        alike=birthday.duplicate_distance(twins),
    )


def learn_training(
    train: np.ndarray, test: np.ndarray, own: np.ndarray, seen: np.ndarray, rng: np.random.Generator
) -> Training:
    """Return what the novelty tests need of training samples (n, d) and test samples (m, d) in one space."""
    found, _ = k_means(train, min(novelty.CELLS, len(train)), rng)
    return Training(
        samples=train,
        own=own,
        centres=found,
        test=seen,
        test_cells=cells(test, found),
    )


def to_arrays(reference: Reference) -> dict[str, np.ndarray]:
    """Return the reference as named arrays."""
    arrays = {"labels": reference.labels, "alike": np.array(reference.alike)}
    arrays |= {f"features/{space}": found for space, found in reference.features.items()}
    arrays |= {f"digests/{space}": np.array(found) for space, found in reference.digests.items()}
    arrays |= {f"bins/{field.name}": getattr(reference.bins, field.name) for field in fields(bins.Bins)}
    for space, training in reference.training.items():
        named = {field.name: getattr(training, field.name) for field in fields(Training)}
        arrays |= {f"training/{space}/{name}": found for name, found in named.items() if found is not None}
    return arrays


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Reference:
    """Return the reference that `to_arrays` wrote."""

    def under(prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(prefix): found for name, found in arrays.items() if name.startswith(prefix)}

    def training(space: str) -> Training:
        found = under(f"training/{space}/")
        return Training(samples=found.pop("samples", None), **found)

    spaces = list(dict.fromkeys(name.partition("/")[0] for name in under("training/")))
    return Reference(
        features=under("features/"),
        digests={space: str(found) for space, found in under("digests/").items()},
        labels=arrays["labels"],
        training={space: training(space) for space in spaces},
        bins=bins.Bins(**under("bins/")),
        alike=float(arrays["alike"]),
    )
