"""The label metrics against torch-fidelity, scipy and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import chi2_contingency
from torch_fidelity.metric_isc import isc_features_to_metric

from pipeline.metrics.labels import classifier_score, g_test, jensen_shannon, missing_modes


def test_the_classifier_score_is_torch_fidelitys() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (500, 10))
    theirs = isc_features_to_metric(torch.from_numpy(logits), splits=1)["inception_score_mean"]
    assert classifier_score(softmax(logits, axis=1)) == pytest.approx(theirs, rel=1e-9)


def test_the_classifier_score_counts_classes_that_are_sure_and_equally_frequent() -> None:
    assert classifier_score(np.eye(10)[np.arange(100) % 10]) == pytest.approx(10)
    assert classifier_score(np.eye(10)[np.arange(100) % 4]) == pytest.approx(4)
    assert classifier_score(np.full((7, 10), 0.1)) == pytest.approx(1)
    assert classifier_score(np.array([[0.3, 0.7]])) == pytest.approx(1)


def test_the_classifier_score_of_float32_probabilities_is_that_of_float64() -> None:
    p = softmax(np.random.default_rng(1).normal(0, 4, (300, 10)), axis=1)
    assert classifier_score(p.astype(np.float32)) == pytest.approx(classifier_score(p), rel=1e-6)


def test_jensen_shannon_is_scipys_squared() -> None:
    rng = np.random.default_rng(2)
    p, q = rng.dirichlet(np.ones(10), 2)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-12)
    assert jensen_shannon(p, q) == jensen_shannon(q, p)


def test_jensen_shannon_is_0_for_equal_and_ln_2_for_disjoint_and_known_for_a_lost_class() -> None:
    tenth, nine = np.full(10, 0.1), np.array([*[1 / 9] * 9, 0])
    assert jensen_shannon(tenth, tenth) == 0
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 1.0])) == pytest.approx(math.log(2))
    middle = (0.1 + 1 / 9) / 2
    kl = 9 * 0.1 * math.log(0.1 / middle) + 0.1 * math.log(2) + math.log(1 / 9 / middle)
    assert jensen_shannon(nine, tenth) == pytest.approx(kl / 2, rel=1e-12)


def test_the_g_test_is_scipys() -> None:
    a, b = np.array([30, 50, 20]), np.array([300, 400, 300])
    table = np.stack([a, b])
    theirs = chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert g_test(a, b) == pytest.approx(theirs.pvalue, rel=1e-9) and 0.01 < theirs.pvalue < 0.5


def test_the_g_test_of_equal_distributions_is_uniform_and_of_a_lost_class_0() -> None:
    rng = np.random.default_rng(3)
    p = np.array([0.4, 0.3, 0.2, 0.1])
    values = [g_test(rng.multinomial(1000, p), rng.multinomial(6000, p)) for _ in range(500)]
    assert np.mean(np.array(values) < 0.1) == pytest.approx(0.1, abs=0.04)
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)
    assert g_test(np.array([500, 500, 0]), np.array([3000, 3000, 1000])) < 1e-30


def test_classes_that_no_side_has_do_not_count_and_one_class_is_no_difference() -> None:
    a, b = np.array([10, 0, 20]), np.array([100, 0, 210])
    assert g_test(a, b) == pytest.approx(g_test(a[[0, 2]], b[[0, 2]]))
    assert g_test(np.array([5, 0]), np.array([9, 0])) == 1


def test_missing_modes_are_below_a_tenth_of_what_is_expected() -> None:
    expected = np.array([0.5, 0.3, 0.1, 0.1])
    assert missing_modes(np.array([0.9, 0.031, 0.0, 0.069]), expected) == [2]
    assert missing_modes(np.array([0.97, 0.029, 0.0, 0.001]), expected) == [1, 2, 3]
    assert missing_modes(expected, expected) == []


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    p = np.full((4, 10), 0.1)
    with pytest.raises(ValueError, match=r"shape \(n, classes\), found \(10,\)"):
        classifier_score(p[0])
    with pytest.raises(ValueError, match=r"sum to 1, found a sum that is off by 0\.1"):
        classifier_score(p[:, 1:])
    for bad in (p * np.nan, p * -1, p[:0]):
        with pytest.raises(ValueError, match="expected probabilities, found"):
            classifier_score(bad)
    with pytest.raises(ValueError, match="over the same classes"):
        jensen_shannon(p[0], np.full(5, 0.2))
    for a, b in (([0, 0], [1, 2]), ([1, -1], [1, 2]), ([1, 2, 3], [1, 2])):
        with pytest.raises(ValueError, match="of counts, found"):
            g_test(np.array(a), np.array(b))
