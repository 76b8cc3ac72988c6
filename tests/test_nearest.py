"""Distances between images in whole numbers, against the plain way."""

import numpy as np
import pytest

from pipeline.evaluation.nearest import alike_images, nearest_images, own_distances, twin_distances


def test_the_nearest_image_is_that_of_exact_distances() -> None:
    rng = np.random.default_rng(0)
    images, others = (rng.integers(0, 256, (n, 28, 28), np.uint8) for n in (1503, 700))
    images[3], others[5] = 0, 255  # as far apart as can be
    others[600] = others[17]  # the first of two that are equal is found
    images[9] = others[17]
    found = nearest_images(images, others)
    gaps = ((images.reshape(-1, 1, 784)[:60].astype(np.int64) - others.reshape(1, -1, 784)) ** 2).sum(2)
    assert (found.index[:60] == gaps.argmin(1)).all() and found.index[9] == 17 and found.distance[9] == 0
    np.testing.assert_array_equal(found.distance[:60], np.sqrt(gaps.min(1)) / 255)
    late = ((images[1502].astype(np.int64) - others) ** 2).sum((1, 2))
    assert found.index[1502] == late.argmin()
    one = nearest_images(np.zeros((1, 28, 28), np.uint8), np.full((1, 28, 28), 255, np.uint8))
    assert one.distance.tolist() == [28.0] and one.index.tolist() == [0]


def some(count: int, seed: int = 0) -> np.ndarray:
    """Images of few grey levels, of which some are alike and two are equal."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count // 3, 28, 28), np.uint8)[rng.integers(count // 3, size=count)]
    images[:, 5, 5:15] = rng.integers(0, 256, (count, 10))
    images[-1] = images[0]
    return images


def gaps(images: np.ndarray) -> np.ndarray:
    """The distances (n, n) of images, in whole numbers until the root."""
    x = images.reshape(len(images), -1).astype(np.int64)
    squared = np.square(x).sum(1)
    return np.sqrt(squared[:, None] + squared - 2 * x @ x.T) / 255


@pytest.mark.parametrize("count", [2, 249, 250, 601])
def test_the_distance_to_the_nearest_other_image_is_exact(count: int) -> None:
    images = some(max(count, 6))[:count]
    expected = gaps(images)
    np.fill_diagonal(expected, np.inf)
    np.testing.assert_array_equal(own_distances(images), expected.min(1))


def test_twins_are_of_the_same_class_and_who_is_alone_has_none() -> None:
    images, labels = some(400), np.arange(400) % 3
    labels[7] = 9
    expected = gaps(images)
    np.fill_diagonal(expected, np.inf)
    expected[labels[:, None] != labels] = np.inf
    order = np.argsort(labels, kind="stable")
    least = expected.min(1)[order]
    np.testing.assert_array_equal(twin_distances(images, labels), least[np.isfinite(least)])
    assert len(twin_distances(images[:3], np.arange(3))) == 0


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.5, 100.0])
def test_images_are_alike_as_their_vectors_are(distance: float) -> None:
    images = some(601)
    found, expected = alike_images(images, distance), gaps(images) <= distance * (1 + 1e-12)
    np.fill_diagonal(expected, False)
    np.testing.assert_array_equal(np.unpackbits(found.bits, axis=1)[:, : len(images)].astype(bool), expected)
    np.testing.assert_array_equal(found.degree, expected.sum(1))
    assert expected.any() and (distance == 100) == (expected.sum() == 601 * 600)
