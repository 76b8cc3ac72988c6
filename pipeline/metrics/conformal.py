"""Compute conformal prediction sets, and the disagreement of an ensemble.

The sets are the least ambiguous ones (LAC; Sadinle, Lei & Wasserman, 2019). They hold all labels whose probability is
at least 1 - q. Here q is a quantile of 1 - p(true label) over the images of a calibration set. Over images and
calibration sets, P(true label in the set) >= 1 - alpha if the images are exchangeable with the calibration set. New
real images are; samples of a model are not. For samples the sets have no guarantee: read their rates beside those of
real images.

A network may be sure of an image that is no digit at all, even of pure noise: such an image counts as clear. The sets
detect digits that could be read in two ways. Images far from all digits are left to the metrics on features and pixels.

Strict sets can be empty where the classifier errs less often than alpha, as on digits. Where it errs more often, hardly
any set is empty, so hardly any image counts as unlike real ones.
"""

import math

import numpy as np
from scipy.special import entr

from pipeline.metrics.inputs import check_shares

ALPHAS = (0.05, 0.002)  # the highest rate at which sets may miss the true label: strict sets, loose sets


def scores(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the nonconformity score of each true label: 1 - its probability, (n,) in float64.

    Args:
        probabilities: (n, classes), each row summing to 1.
        labels: (n,) the true labels.

    Raises:
        ValueError: for rows that are not distributions, or another number of labels.
    """
    check_rows(probabilities)
    if labels.shape != (len(probabilities),):
        raise ValueError(f"expected one label for each of {len(probabilities)} rows, found an array {labels.shape}")
    return 1 - probabilities.astype(np.float64)[np.arange(len(labels)), labels]


def threshold(scores: np.ndarray, alpha: float) -> float:
    """Return the k-th smallest score q, k = ceil((n+1)(1-alpha)): a new one exceeds it with probability <= alpha.

    This holds for a new score that is exchangeable with the n. Given the n scores, and without ties, its probability to
    be at most q has the distribution Beta(k, n+1-k) (Vovk, 2012). If k > n, there are too few scores for this alpha:
    q is 1, and no label is ruled out.

    Args:
        scores: (n,) numbers in [0, 1], of images held out from the training.
        alpha: between 0 and 1.

    Raises:
        ValueError: for scores outside [0, 1] or NaN, or an alpha outside (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"expected an alpha between 0 and 1, found {alpha}")
    if scores.ndim != 1 or not ((scores >= 0) & (scores <= 1)).all():  # also false for NaN
        raise ValueError(f"expected scores (n,) between 0 and 1, found other numbers in an array {scores.shape}")
    # Rounding first: a float error above a whole number would make k one too large.
    k = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else 1.0


def prediction_sets(probabilities: np.ndarray, q: float) -> np.ndarray:
    """Return the prediction sets of probabilities (n, classes): bool (n, classes), the labels with 1 - p <= q.

    Raises:
        ValueError: for rows that are not distributions.
    """
    check_rows(probabilities)
    return 1 - probabilities.astype(np.float64) <= q


def kinds(probabilities: np.ndarray, q_strict: float, q_loose: float) -> np.ndarray:
    """Return the conformal category of each image: (n,) of `ambiguous`, `unlike` or `clear`.

    Ambiguous: the loose set holds at least two labels. Unlike real images: not ambiguous, and the strict set is empty,
    as it is whenever the loose one is empty. Clear: all others. The strict sets miss the label of about 5 % of real
    images, so at most about 5 % of these are unlike. How many are ambiguous instead depends on the loose threshold.

    Args:
        probabilities: (n, classes), each row summing to 1.
        q_strict: the threshold at alpha = .05.
        q_loose: the threshold at alpha = .002, at least q_strict, because fewer labels are ruled out.

    Raises:
        ValueError: for rows that are not distributions, or q_strict > q_loose.
    """
    if not q_strict <= q_loose:
        raise ValueError(f"expected a strict threshold not above the loose one, found {q_strict} and {q_loose}")
    strict, loose = (prediction_sets(probabilities, q).sum(axis=1) for q in (q_strict, q_loose))
    return np.select([loose >= 2, strict == 0], ["ambiguous", "unlike"], "clear")


def mutual_information(members: np.ndarray) -> np.ndarray:
    """Return the disagreement of an ensemble on each image: H(mean p) - mean H(p), (n,) in nats.

    It is 0 if all members agree, however unsure they are, and at most ln min(members, classes) (Houlsby et al., 2011).

    Args:
        members: (members, n, classes) probabilities, each row summing to 1.

    Raises:
        ValueError: for another number of axes, or rows that are not distributions.
    """
    if members.ndim != 3:
        raise ValueError(f"expected probabilities of shape (members, n, classes), found {members.shape}")
    check_shares(members, "members")
    p = members.astype(np.float64)
    return np.maximum(entr(p.mean(axis=0)).sum(axis=1) - entr(p).sum(axis=2).mean(axis=0), 0)


def check_rows(probabilities: np.ndarray) -> None:
    """Refuse an array that is not (n, classes) with a distribution in each row."""
    if probabilities.ndim != 2:
        raise ValueError(f"expected probabilities of shape (n, classes), found {probabilities.shape}")
    check_shares(probabilities, "probabilities")
