"""Conformal sets and the disagreement against MAPIE, scipy, the exact law of the coverage and closed forms."""

import math

import numpy as np
import pytest
from mapie.classification import SplitConformalClassifier
from scipy.spatial.distance import jensenshannon
from scipy.stats import beta, kstest
from sklearn.base import BaseEstimator, ClassifierMixin

from pipeline.metrics.conformal import kinds, mutual_information, prediction_sets, scores, threshold


def drawn(seed: int, n: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, classes) and labels that follow them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.4), n)
    return p, (p.cumsum(axis=1) > rng.uniform(size=(n, 1))).argmax(axis=1)


class Given(ClassifierMixin, BaseEstimator):
    """What scikit-learn calls a fitted classifier: here its inputs are the probabilities themselves."""

    classes_, is_fitted_ = np.arange(4), True

    def fit(self, x: np.ndarray, y: np.ndarray) -> "Given":
        raise AssertionError("it is fitted")

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return x

    def predict(self, x: np.ndarray) -> np.ndarray:
        return x.argmax(axis=1)


@pytest.mark.parametrize("n", [501, 800, 1237])
def test_the_sets_are_mapies(n: int) -> None:
    (p, labels), (fresh, _) = drawn(0, n), drawn(1, 5000)
    alphas = [0.3, 0.1, 0.05, 0.002]
    theirs = SplitConformalClassifier(Given(), confidence_level=[1 - a for a in alphas], conformity_score="lac")
    _, sets = theirs.conformalize(p, labels).predict_set(fresh)
    for index, alpha in enumerate(alphas):
        q = threshold(scores(p, labels), alpha)
        np.testing.assert_array_equal(prediction_sets(fresh, q), sets[:, :, index])


@pytest.mark.parametrize(("n", "alpha"), [(20, 0.1), (100, 0.05), (999, 0.002)])
def test_the_coverage_follows_its_exact_law(n: int, alpha: float) -> None:
    """Uniform scores are covered with probability q: the k-th of n has the distribution Beta(k, n + 1 - k)."""
    rng = np.random.default_rng(1)
    found = [threshold(rng.uniform(size=n), alpha) for _ in range(2000)]
    k = math.ceil((n + 1) * (1 - alpha) - 1e-9)
    assert kstest(found, beta(k, n + 1 - k).cdf).pvalue > 0.05
    assert 1 - alpha <= k / (n + 1) < 1 - alpha + 1 / (n + 1)


@pytest.mark.parametrize("alpha", [0.3, 0.05])
def test_sets_hold_the_true_label_as_often_as_they_promise(alpha: float) -> None:
    n, rounds, per = 30, 2000, 25
    hits = []
    for seed in range(rounds):
        p, labels = drawn(seed, n + per)
        q = threshold(scores(p[:n], labels[:n]), alpha)
        hits.append(prediction_sets(p[n:], q)[np.arange(per), labels[n:]].mean())
    expected = math.ceil((n + 1) * (1 - alpha)) / (n + 1)
    assert np.mean(hits) == pytest.approx(expected, abs=4 * np.std(hits) / math.sqrt(rounds))


def test_the_threshold_is_an_order_statistic_and_ties_are_kept_in() -> None:
    ten = np.arange(10)[::-1] / 10  # in any order
    assert threshold(ten, 0.5) == 0.5  # the ceil(11 * .5) = 6th
    assert threshold(ten, 1 / 11) == 0.9  # the 10th, of 10
    tied = np.array([0.2] * 9 + [0.7])
    assert threshold(tied, 0.2) == 0.2 and threshold(tied, 1 / 11) == 0.7
    assert prediction_sets(np.array([[0.8, 0.2]]), 1 - 0.8).tolist() == [[True, False]]


def test_a_rank_that_is_whole_is_not_rounded_up_by_the_arithmetic() -> None:
    """10 * (1 - 0.7) is a little above 3."""
    for n, alpha, k in ((9, 0.7, 3), (19, 0.05, 19), (499, 0.002, 499)):
        assert threshold(np.arange(1, n + 1) / n, alpha) == k / n


@pytest.mark.parametrize(("n", "alpha", "least"), [(18, 0.05, 19), (498, 0.002, 499), (0, 0.05, 19)])
def test_too_few_scores_rule_no_label_out(n: int, alpha: float, least: int) -> None:
    assert threshold(np.zeros(n), alpha) == 1
    assert threshold(np.zeros(least), alpha) == 0
    assert prediction_sets(np.array([[1.0, 0, 0]]), 1.0).all()


@pytest.mark.parametrize(
    ("a", "empty_below", "full_from"), [(0.5, 0.5, 0.5), (0.6, 0.4, 0.6), (0.95, 0.05, 0.95), (1.0, 0.0, 1.0)]
)
def test_of_two_labels_a_set_is_empty_single_or_full_by_the_closed_form(
    a: float, empty_below: float, full_from: float
) -> None:
    for q in (-0.01, 0.01, 0.39, 0.41, 0.49, 0.51, 0.94, 0.96, 1.0):
        assert prediction_sets(np.array([[a, 1 - a]]), q).sum() == (q >= empty_below) + (q >= full_from)


def test_kinds_follow_the_two_sets() -> None:
    p = np.array([[0.97, 0.02, 0.01], [0.6, 0.3, 0.1], [0.5, 0.45, 0.05], [0.34, 0.33, 0.33]])
    assert kinds(p, 0.1, 0.6).tolist() == ["clear", "unlike", "ambiguous", "unlike"]
    assert kinds(p, 0.41, 0.41).tolist() == ["clear", "clear", "unlike", "unlike"]
    assert kinds(p, 0.41, 0.71).tolist() == ["clear", "ambiguous", "ambiguous", "ambiguous"]
    assert kinds(p, 1.0, 1.0).tolist() == ["ambiguous"] * 4


def test_single_precision_changes_no_set_of_what_was_calibrated() -> None:
    """The image whose score became the threshold keeps its label, in both precisions."""
    p, labels = drawn(0, 500)
    p = p.astype(np.float32)
    found = scores(p, labels)
    for alpha in (0.3, 0.1, 0.01):
        q = threshold(found, alpha)
        assert prediction_sets(p, q)[np.arange(500), labels].sum() == math.ceil(501 * (1 - alpha))


def test_the_disagreement_of_two_is_scipys_jensen_shannon() -> None:
    p, q = drawn(1, 200)[0], drawn(2, 200)[0]
    np.testing.assert_allclose(mutual_information(np.stack([p, q])), jensenshannon(p, q, axis=1) ** 2, atol=1e-12)


def test_the_disagreement_is_0_for_one_mind_and_known_for_two_that_mirror_each_other() -> None:
    p, _ = drawn(3, 50)
    assert mutual_information(np.stack([p] * 3)).max() < 1e-12 and mutual_information(p[None]).max() == 0
    assert mutual_information(np.eye(4)[:, None]).tolist() == pytest.approx([math.log(4)])
    for a in (0.0, 0.1, 0.5):
        mirrored = mutual_information(np.array([[[a, 1 - a]], [[1 - a, a]]]))[0]
        entropy = -sum(x * math.log(x) for x in (a, 1 - a) if x)
        assert mirrored == pytest.approx(math.log(2) - entropy, abs=1e-12)
    assert (mutual_information(np.stack([p] * 3).astype(np.float32)) >= 0).all()


def test_what_does_not_fit_is_refused_with_a_sentence() -> None:
    p = np.full((4, 2), 0.5)
    for bad in (np.array([0.1, np.nan]), np.array([0.1, 1.1]), np.array([-0.1]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="scores \\(n,\\) between 0 and 1, found"):
            threshold(bad, 0.05)
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="an alpha between 0 and 1, found"):
            threshold(np.zeros(5), alpha)
    zeros = np.zeros(4, int)
    for call in (lambda x: scores(x, zeros), lambda x: prediction_sets(x, 0.5), lambda x: kinds(x, 0.1, 0.5)):
        with pytest.raises(ValueError, match="expected probabilities, found"):
            call(p * np.nan)
        with pytest.raises(ValueError, match=r"shape \(n, classes\), found \(2,\)"):
            call(p[0])
    with pytest.raises(ValueError, match=r"one label for each of 4 rows, found an array \(3,\)"):
        scores(p, np.zeros(3, int))
    with pytest.raises(ValueError, match=r"strict threshold not above the loose one, found 0\.9 and 0\.1"):
        kinds(p, 0.9, 0.1)
    with pytest.raises(ValueError, match=r"shape \(members, n, classes\), found \(4, 2\)"):
        mutual_information(p)
    with pytest.raises(ValueError, match="expected probabilities, found"):
        mutual_information(p[None] * np.nan)
