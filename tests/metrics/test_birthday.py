"""The birthday test on sets whose number of different images is known."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pipeline.metrics.birthday import Alike, duplicate_distance, support_size


def alike(images: np.ndarray, distance: float) -> Alike:
    """Which pairs of vectors (n, d) are at most so far apart, by comparing all."""
    close = cdist(images, images) <= distance
    np.fill_diagonal(close, False)
    return Alike(np.packbits(close, axis=1), close.sum(axis=1))


def draws(rng: np.random.Generator, support: int, n: int, jitter: float = 0.0) -> np.ndarray:
    images = rng.normal(size=(support, 12))
    return (
        images[rng.integers(support, size=n)] + rng.normal(0, jitter, (n, 12))
        if jitter
        else images[rng.integers(support, size=n)]
    )


@pytest.mark.parametrize(("support", "jitter"), [(10, 0.0), (100, 0.01), (1000, 0.0), (3000, 0.01)])
def test_both_estimates_are_near_the_true_support(support: int, jitter: float) -> None:
    rng = np.random.default_rng(0)
    found = support_size(alike(draws(rng, support, 2000, jitter), 0.3), rng)
    assert found.by_pairs == pytest.approx(support, rel=0.1)
    assert found.by_birthday == pytest.approx(support, rel=0.5)
    assert found.at_least is None and found.pairs == 2000 * 1999 // 2


def test_the_share_of_alike_pairs_is_an_unbiased_estimate() -> None:
    rng = np.random.default_rng(1)
    p = np.array([0.5, 0.3, 0.2])
    found = [support_size(alike(np.eye(3)[rng.choice(3, 20, p=p)], 0.1), rng, batches=1) for _ in range(400)]
    assert np.mean([f.collisions / f.pairs for f in found]) == pytest.approx((p**2).sum(), abs=0.01)


def test_the_batch_is_the_smallest_that_holds_a_repetition_half_of_the_time() -> None:
    rng = np.random.default_rng(2)
    found = [support_size(alike(draws(rng, 365, 1000), 0.1), rng, batches=301).batch for _ in range(5)]
    assert np.mean(found) == pytest.approx(23, abs=1.5)


def test_one_pair_among_many_is_found_wherever_it_lies() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(300, 5)) * 100
    x[299] = x[0]
    found = support_size(alike(x, 0.0), rng)
    assert found.collisions == 1 and found.by_pairs == 300 * 299 / 2
    # The later of two random places among 300 is at 300 / sqrt(2) in the median.
    assert found.batch == pytest.approx(300 / math.sqrt(2), abs=40)


def test_a_late_repetition_is_found_though_every_image_has_a_twin() -> None:
    twins = np.repeat(np.arange(2000.0), 2)[:, None]
    found = support_size(alike(twins, 0.5), np.random.default_rng(8), batches=201)
    # None of s images has its twin among them with probability exp(-s^2 / 2n).
    assert found.batch == pytest.approx(math.sqrt(2 * math.log(2) * 4000), abs=8) and found.collisions == 2000


def test_constant_images_are_one_image() -> None:
    found = support_size(alike(np.full((40, 3), 0.7), 0.0), np.random.default_rng(4))
    assert found.batch == 2 and found.by_pairs == 1


def test_without_a_repetition_there_is_a_lower_bound_and_no_estimate() -> None:
    rng = np.random.default_rng(5)
    found = support_size(alike(rng.normal(size=(100, 8)), 1e-6), rng)
    assert (found.batch, found.by_birthday, found.by_pairs, found.collisions) == (None, None, None, 0)
    assert found.at_least == pytest.approx(4950 / math.log(20))
    # With that many images there is a repetition in 95 % of cases.
    missed = [support_size(alike(draws(rng, int(found.at_least), 100), 0.1), rng).collisions == 0 for _ in range(300)]
    assert np.mean(missed) == pytest.approx(0.05, abs=0.035)


def test_the_same_seed_gives_the_same_batch() -> None:
    x = draws(np.random.default_rng(6), 50, 500)
    a, b = (support_size(alike(x, 0.1), np.random.default_rng(1)) for _ in range(2))
    assert a == b


def test_the_duplicate_distance_is_the_distance_that_one_image_in_a_thousand_has() -> None:
    twins = np.arange(2001.0)
    assert duplicate_distance(np.random.default_rng(9).permutation(twins)) == 2
    assert duplicate_distance(np.array([3.0])) == 3


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    one = Alike(np.zeros((1, 1), np.uint8), np.zeros(1, int))
    with pytest.raises(ValueError, match="expected at least 2 images, found 1"):
        support_size(one, np.random.default_rng(7))
    for twins in (np.empty(0), np.array([1.0, np.nan])):
        with pytest.raises(ValueError, match="expected finite distances of images to others of their class"):
            duplicate_distance(twins)
