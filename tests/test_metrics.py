"""The numbers against closed forms and other libraries."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import binomtest
from torchmetrics.functional.classification import multiclass_calibration_error, multiclass_confusion_matrix

from pipeline.metrics import calibration, labels, proportions
from pipeline.metrics.sharpness import laplacian_variance


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (3, 10), (9920, 10_000)])
def test_the_wilson_interval_is_scipys(successes: int, n: int) -> None:
    theirs = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert proportions.wilson(successes, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_total_variation_is_0_for_equal_1_for_disjoint_and_the_lost_mass_for_a_missing_class() -> None:
    tenth = np.full(10, 0.1)
    assert labels.total_variation(tenth, tenth) == 0
    assert labels.total_variation(np.array([1.0, 0]), np.array([0, 1.0])) == 1
    nine = np.array([*[1 / 9] * 9, 0])
    assert labels.total_variation(nine, tenth) == pytest.approx(0.1)


def test_shares_count_classes_that_never_occur() -> None:
    assert proportions.shares(np.array([0, 0, 2]), 4).tolist() == [2 / 3, 0, 1 / 3, 0]


@pytest.fixture
def judged() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a wrongly confident judge of 5 classes, and the true classes."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(5, 0.3), 2000)
    return probabilities, rng.integers(0, 5, 2000)


def test_the_calibration_error_is_torchmetrics(judged: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, true = judged
    ours = calibration.calibration_error(probabilities.max(1), probabilities.argmax(1) == true)
    theirs = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(true), 5, n_bins=calibration.BINS
    )
    assert ours == pytest.approx(theirs.item(), abs=1e-6) and ours > 0.3


def test_the_calibration_error_of_a_judge_that_knows_its_odds_is_near_0() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 200_000)
    assert calibration.calibration_error(confidence, rng.uniform(size=200_000) < confidence) < 0.005


def test_bins_of_equal_counts_find_what_equal_widths_average_away() -> None:
    """Of 800 images at .95 nine tenths are right, of 700 at .99 all: one wide bin, but eight bins and seven."""
    confidence = np.repeat([0.95, 0.99], [800, 700])
    correct = np.concatenate([np.arange(800) % 10 > 0, np.ones(700, bool)])
    above, below = 800 * 0.05, 700 * 0.01
    assert calibration.adaptive_calibration_error(confidence, correct) == pytest.approx((above + below) / 1500)
    assert calibration.calibration_error(confidence, correct) == pytest.approx((above - below) / 1500)


def test_the_adaptive_calibration_error_is_its_definition_and_does_not_depend_on_the_order_of_ties() -> None:
    rng = np.random.default_rng(0)
    confidence, correct = rng.uniform(size=1500), rng.uniform(size=1500) < 0.6
    bins = np.argsort(confidence).reshape(calibration.BINS, 100)
    expected = np.abs(confidence[bins].mean(axis=1) - correct[bins].mean(axis=1)).mean()
    assert calibration.adaptive_calibration_error(confidence, correct) == pytest.approx(expected)
    tied, mixed = confidence.round(1), rng.permutation(1500)
    found = [calibration.adaptive_calibration_error(tied[order], correct[order]) for order in (np.arange(1500), mixed)]
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_reliability_leaves_empty_bins_out_and_counts_every_image(
    judged: tuple[np.ndarray, np.ndarray],
) -> None:
    rows = calibration.reliability(np.array([0.5, 0.99, 1.0]), np.array([True, True, False]))
    assert [row["count"] for row in rows] == [1, 2]
    assert rows[1]["accuracy"] == 0.5 and rows[1]["confidence"] == pytest.approx(0.995)
    probabilities, true = judged
    assert sum(r["count"] for r in calibration.reliability(probabilities.max(1), true == 0)) == 2000


def test_the_confusion_matrix_is_torchmetrics(judged: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, true = judged
    predicted = probabilities.argmax(1)
    ours = [row["count"] for row in calibration.confusion(true, predicted, 5)]
    theirs = multiclass_confusion_matrix(torch.from_numpy(predicted), torch.from_numpy(true), 5)
    assert ours == theirs.flatten().tolist()


def test_the_laplacian_variance_of_one_dot_is_its_closed_form() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 10, 10] = 255
    # One pixel of -4 and four of 1 among 784, with mean 0.
    assert laplacian_variance(image)[0] == pytest.approx((16 + 4) / 784, rel=1e-6)


def test_the_laplacian_does_not_cross_from_one_image_to_the_next() -> None:
    images = np.stack([np.zeros((28, 28)), np.full((28, 28), 255)]).astype(np.uint8)
    assert laplacian_variance(images).tolist() == [0, 0]


def test_blur_lowers_and_noise_raises_the_sharpness() -> None:
    rng = np.random.default_rng(0)
    image = (rng.uniform(size=(1, 28, 28)) > 0.5) * 255.0
    smooth = gaussian_filter(image, (0, 2, 2))
    noisy = np.clip(smooth + rng.normal(0, 25, image.shape), 0, 255)
    sharp, blurred, grainy = (laplacian_variance(x.astype(np.uint8))[0] for x in (image, smooth, noisy))
    assert blurred < 0.1 * sharp and grainy > 2 * blurred
