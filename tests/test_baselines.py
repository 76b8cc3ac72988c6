"""The known sets of images are what they say they are."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from pipeline.core import artifacts
from pipeline.core.names import SHOWN
from pipeline.core.params import RESERVED
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.evaluation.baselines import BASELINES, STEPS
from pipeline.metrics.base import BASELINE_OF, CORRUPTIONS
from pipeline.stages import make_baseline as stage


def toy(count: int = 240, classes: int = 3, seed: int = 0) -> Dataset:
    """Noisy squares on a background of zeros, at a place that makes the class; no two images are alike."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        at = 4 + 12 * label // classes + rng.integers(3)
        image[at : at + 8, 8:20] = rng.integers(60, 256, (8, 12))
    return dataset(images, labels)


def dataset(images: np.ndarray, labels: np.ndarray) -> Dataset:
    """That nobody may write to."""
    images.flags.writeable = False
    return Dataset(images, labels, images[:4], labels[:4], [str(label) for label in np.unique(labels)])


def made(name: str, data: Dataset, count: int, seed: int = 0) -> np.ndarray:
    return BASELINES[name](data, count, np.random.default_rng(seed))


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(float)


def places(images: np.ndarray, data: Dataset) -> np.ndarray:
    """Where in the training images each is, -1 if nowhere."""
    known = {image.tobytes(): place for place, image in enumerate(data.train_images)}
    return np.array([known.get(image.tobytes(), -1) for image in images])


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(("images", "classes", "count"), [(240, 3, 100), (240, 3, 501), (12, 2, 30), (4, 2, 1)])
def test_every_baseline_keeps_the_contract(name: str, images: int, classes: int, count: int) -> None:
    data = toy(images, classes)
    found = made(name, data, count)
    assert found.shape == (count, 28, 28) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, made(name, toy(images, classes), count))


@pytest.mark.parametrize("name", BASELINES)
def test_another_seed_makes_other_images(name: str) -> None:
    assert not np.array_equal(made(name, toy(), 100, 0), made(name, toy(), 100, 1))


def test_there_is_a_baseline_for_each_corruption_and_no_other() -> None:
    assert set(BASELINE_OF) == set(CORRUPTIONS)
    assert set(BASELINES) - set(BASELINE_OF.values()) == {"noise", "gaussian", "centroids"}


def test_copies_are_different_training_images_while_there_are_enough() -> None:
    few, many = (places(made("train_copies", toy(), count), toy()) for count in (240, 500))
    assert sorted(few) == list(range(240))
    assert few.tolist() != sorted(few)
    assert min(many) >= 0 and len(set(many)) > 150


@pytest.mark.parametrize(("name", "width"), [("blurred", 1.0), ("corrupted_blur_slight", 0.5)])
def test_blur_is_that_of_scipy_on_each_image(name: str, width: float) -> None:
    expected = [gaussian_filter(image.astype(float), width) for image in made("train_copies", toy(), 50)]
    assert np.abs(made(name, toy(), 50) - np.array(expected)).max() < 0.5 + 1e-3


def test_noise_is_uniform_and_independent() -> None:
    found = made("noise", toy(), 400)
    counts = np.bincount(found.ravel(), minlength=256)
    assert np.abs(counts / found.size * 256 - 1).max() < 0.15  # 5 standard errors
    assert np.abs(np.corrcoef(flat(found)[:, :20], rowvar=False) - np.eye(20)).max() < 0.3


def test_the_gaussian_has_the_moments_of_the_training_images() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(0, 3, (6, 784))
    images = (128 + rng.normal(size=(3000, 6)) @ mixing).clip(0, 255).round().astype(np.uint8).reshape(-1, 28, 28)
    found, given = flat(made("gaussian", dataset(images, np.arange(3000) % 2), 20_000)), flat(images)
    expected = np.cov(given, rowvar=False) + np.eye(784) / 12  # of rounding
    assert np.abs(found.mean(axis=0) - given.mean(axis=0)).max() < 0.5
    assert np.linalg.norm(np.cov(found, rowvar=False) - expected) / np.linalg.norm(expected) < 0.03


def test_the_gaussian_is_clipped_not_wrapped() -> None:
    found = made("gaussian", toy(), 500)
    assert (found[:, 13, 13] == 0).mean() > 0.1 and not found[:, :4].any()


@pytest.mark.parametrize("components", [20, 50])
def test_reconstructions_are_those_of_a_pca(components: int) -> None:
    data, x = toy(), made("train_copies", toy(), 100)
    pca = PCA(components, svd_solver="full").fit(flat(data.train_images))
    expected = pca.inverse_transform(pca.transform(flat(x))).clip(0, 255)
    assert np.abs(flat(made(f"corrupted_pca_{components}", data, 100)) - expected).max() < 0.5 + 0.01


def test_more_components_keep_more_and_as_many_as_there_are_keep_all() -> None:
    error = {
        name: np.square(flat(made(name, toy(), 100)) - flat(made("train_copies", toy(), 100))).mean()
        for name in ("corrupted_pca_20", "corrupted_pca_50")
    }
    assert error["corrupted_pca_20"] > 1.2 * error["corrupted_pca_50"] > 0
    np.testing.assert_array_equal(made("corrupted_pca_20", toy(12), 9), made("train_copies", toy(12), 9))


def test_centroids_are_those_of_k_means_and_nearer_than_images() -> None:
    data = toy(600)
    images = flat(data.train_images)
    start = images[np.random.default_rng(0).choice(600, 40, replace=False)]
    found = flat(made("centroids", data, 40))
    oracle = KMeans(40, init=start, n_init=1, max_iter=STEPS, tol=0).fit(images).cluster_centers_
    assert np.abs(found - oracle).max() < 0.51
    assert cdist(images, found).min(axis=1).mean() < cdist(images, start).min(axis=1).mean()


def test_a_cell_without_images_keeps_its_centre() -> None:
    images = toy().train_images.repeat(2, axis=0)  # of two equal centres one has no images
    found = made("centroids", dataset(images, np.arange(480) % 3), 480)
    assert (places(found, toy()) >= 0).all() and len(set(places(found, toy()))) == 240


def test_more_centroids_than_images_are_these_repeated() -> None:
    found = places(made("centroids", toy(12), 30), toy(12))
    assert sorted(np.bincount(found)) == [2] * 6 + [3] * 6


def test_thresholded_images_are_black_or_white() -> None:
    x = made("train_copies", toy(), 50)
    np.testing.assert_array_equal(made("corrupted_threshold", toy(), 50), np.where(x > 127, 255, 0))


def test_a_shift_moves_two_pixels_and_wraps_nothing() -> None:
    x = made("train_copies", toy(), 50)
    np.testing.assert_array_equal(made("corrupted_shift", toy(), 50), np.roll(x, 2, axis=2))
    bright = dataset(np.full((4, 28, 28), 9, np.uint8), np.arange(4) % 2)
    found = made("corrupted_shift", bright, 3)
    assert not found[:, :, :2].any() and (found[:, :, 2:] == 9).all()


def test_gaussian_noise_is_a_tenth_of_the_range() -> None:
    grey = dataset(np.full((4, 28, 28), 128, np.uint8), np.arange(4) % 2)
    found = flat(made("corrupted_noise", grey, 200))
    assert found.std() == pytest.approx(25.5, rel=0.01) and found.mean() == pytest.approx(128, abs=0.5)
    assert made("corrupted_noise", toy(), 50)[:, :4].max() < 160  # of 0 and of noise below 0


def test_the_last_class_is_missing() -> None:
    labels = toy().train_labels[places(made("corrupted_missing_class", toy(), 160), toy())]
    assert np.bincount(labels, minlength=3).tolist() == [80, 80, 0]


def test_half_of_all_is_of_class_1_beside_what_else_there_is_of_it() -> None:
    labels = toy().train_labels[places(made("corrupted_half_one_class", toy(), 3001), toy())]
    counts = np.bincount(labels)
    assert counts[1] / 3001 == pytest.approx(2 / 3, abs=0.04) and counts[0] == pytest.approx(counts[2], abs=120)
    assert (labels[:1000] == 1).mean() == pytest.approx(2 / 3, abs=0.07)


@pytest.mark.parametrize(("distinct", "times"), [(100, 25), (1000, 2.5)])
def test_few_images_are_repeated_equally_often(distinct: int, times: float) -> None:
    data = toy(1200)
    counts = np.bincount(places(made(f"corrupted_distinct_{distinct}", data, 2500), data), minlength=1200)
    assert (counts > 0).sum() == distinct
    assert set(counts[counts > 0]) == {int(np.floor(times)), int(np.ceil(times))}


def test_means_are_of_two_images() -> None:
    images = np.repeat(np.array([0, 200], np.uint8), 2)[:, None, None] * np.ones((28, 28), np.uint8)
    found = made("corrupted_mean_of_two", dataset(images, np.arange(4) % 2), 4000)[:, 5, 5]
    values, counts = np.unique(found, return_counts=True)
    assert values.tolist() == [0, 100, 200]
    np.testing.assert_allclose(counts / 4000, [0.25, 0.5, 0.25], atol=0.04)


def test_a_tenth_is_noise_anywhere_in_the_order() -> None:
    unknown = places(made("corrupted_part_noise", toy(), 2005), toy()) < 0
    assert unknown.sum() == 200
    assert unknown[:1000].sum() == pytest.approx(100, abs=35)


def test_the_stage_writes_independent_draws(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data.npz", toy())
    stage.main(
        baseline="corrupted_distinct_100",
        count=50,
        draws=3,
        dataset_file=tmp_path / "data.npz",
        samples_file=tmp_path / "0.npz",
    )
    draws = artifacts.read_arrays(tmp_path / "0.npz")["images"].reshape(3, 50, 28, 28)
    for draw, images in enumerate(draws):
        again = BASELINES["corrupted_distinct_100"](toy(), 50, np.random.default_rng([0, draw]))
        np.testing.assert_array_equal(images, again)
    assert len(np.unique(draws.reshape(3, -1), axis=0)) == 3


def test_no_model_may_have_the_name_of_known_images() -> None:
    assert {*SHOWN} <= {*RESERVED} and all(name.startswith("corrupted_") for name in BASELINES if name not in SHOWN)
