"""Make the baselines: known sets of images, scored as the samples of a model are.

They show how real, damaged and trivial images score. Each is made from the training images and rounded to bytes, as
samples are. Training images are drawn without replacement, or with replacement if more are asked for than there are.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array

from pipeline.core.names import BLURRED, COPIES, NOISE
from pipeline.data.dataset import Dataset

STEPS = 2  # of Lloyd's algorithm, for the centroids

Make = Callable[[Dataset, int, np.random.Generator], np.ndarray]  # (data, count, rng) to images (count, 28, 28) uint8
Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def drawn(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` of the images (n, ...), drawn without replacement, or with replacement if count > n."""
    return images[rng.choice(len(images), count, replace=count > len(images))]


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Return numbers on the scale 0 to 255 as uint8, clipped and rounded to the nearest."""
    return np.clip(images, 0, 255).round().astype(np.uint8)


def copies(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return random training images."""
    return drawn(data.train_images, count, rng)


def damaged(damage: Damage) -> Make:
    """Return a baseline: random training images, as floats (count, 28, 28) from 0 to 255, after `damage`."""
    return lambda data, count, rng: as_bytes(damage(copies(data, count, rng).astype(np.float32), rng))


def blurred(width: float) -> Make:
    """Return a baseline: random training images after a Gaussian blur with a standard deviation of `width` pixels."""
    return damaged(lambda images, _: gaussian_filter(images, width, axes=(1, 2)))


def shifted(images: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """Return the images shifted two pixels to the right, with background on the left."""
    return np.pad(images, ((0, 0), (0, 0), (2, 0)))[:, :, :-2]


def uniform(_: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return uniform noise: each pixel is one of the 256 values, independently."""
    return rng.integers(0, 256, (count, 28, 28), np.uint8)


def moments(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (784,) and the covariance (784, 784) of images (n, 28, 28), on the scale 0 to 255."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    mean = pixels.mean(axis=0, dtype=np.float64)
    pixels -= mean
    return mean, (pixels.T @ pixels / (len(pixels) - 1)).astype(np.float64)


def gaussian(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return samples of the Gaussian with the mean and the full covariance of the training pixels."""
    found = rng.multivariate_normal(*moments(data.train_images), count, check_valid="ignore", method="eigh")
    return as_bytes(found).reshape(-1, 28, 28)


def reconstructed(components: int) -> Make:
    """Return a baseline: random training images, projected on the first principal components of the training set.

    There may be more components than training images.
    """

    def make(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
        mean, covariance = moments(data.train_images)
        directions = np.linalg.eigh(covariance).eigenvectors[:, -components:]
        found = (copies(data, count, rng).reshape(count, -1) - mean) @ directions @ directions.T + mean
        return as_bytes(found).reshape(-1, 28, 28)

    return make


def centroids(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return k-means centroids of the training images: two steps of Lloyd's algorithm from random images.

    In Theis et al. (2016), such centroids have a better Parzen likelihood than images of the true distribution. With
    10 000 of them on MNIST, a third step would reduce the mean squared distance to the nearest by less than 1 %. They
    are rounded to bytes after each step. If there are fewer training images than centroids, the training images are
    returned, each as often as needed.
    """
    from pipeline.evaluation.nearest import nearest_images  # imports torch, which no other baseline needs

    images = data.train_images
    pixels = images.reshape(len(images), -1).astype(np.float32)
    centres = images[rng.choice(len(images), min(count, len(images)), replace=False)]
    for _ in range(STEPS):
        cells = nearest_images(images, centres).index
        # The mean of each cell, as a product with the matrix of its members; an empty cell keeps its centre.
        members = csr_array(
            (np.ones(len(images), np.float32), (cells, np.arange(len(images)))), (len(centres), len(images))
        )
        sizes = np.bincount(cells, minlength=len(centres))[:, None, None]
        means = (members @ pixels).reshape(centres.shape) / np.maximum(sizes, 1)
        centres = np.where(sizes > 0, as_bytes(means), centres)
    return np.resize(centres, (count, *centres.shape[1:]))


def without_last_class(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return random training images of all classes but the last."""
    return drawn(data.train_images[data.train_labels < len(data.class_names) - 1], count, rng)


def half_one_class(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return half random training images, half images of class 1 alone, in random order."""
    half = drawn(data.train_images[data.train_labels == 1], count // 2, rng)
    return rng.permutation(np.concatenate([half, copies(data, count - count // 2, rng)]))


def repeated(distinct: int) -> Make:
    """Return a baseline: `distinct` random training images, repeated to the count, in random order."""

    def make(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
        few = copies(data, min(distinct, len(data.train_images)), rng)
        return few[rng.permutation(np.arange(count) % len(few))]

    return make


def means_of_two(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return means of two random training images, pixel by pixel."""
    one, other = (copies(data, count, rng).astype(np.float32) for _ in range(2))
    return as_bytes((one + other) / 2)


def part_noise(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return random training images, a tenth of them replaced by uniform noise, in random order."""
    return rng.permutation(np.concatenate([uniform(data, count // 10, rng), copies(data, count - count // 10, rng)]))


BASELINES: dict[str, Make] = {
    COPIES: copies,
    BLURRED: blurred(1.0),
    NOISE: uniform,
    "gaussian": gaussian,
    "centroids": centroids,
    "corrupted_blur_slight": blurred(0.5),
    "corrupted_pca_50": reconstructed(50),
    "corrupted_pca_20": reconstructed(20),
    "corrupted_noise": damaged(lambda images, rng: images + 25.5 * rng.standard_normal(images.shape, np.float32)),
    "corrupted_threshold": damaged(lambda images, _: 255 * (images > 127)),
    "corrupted_shift": damaged(shifted),
    "corrupted_missing_class": without_last_class,
    "corrupted_half_one_class": half_one_class,
    "corrupted_distinct_100": repeated(100),
    "corrupted_distinct_1000": repeated(1000),
    "corrupted_mean_of_two": means_of_two,
    "corrupted_part_noise": part_noise,
}
