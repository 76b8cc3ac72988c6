"""Which labels can't be ruled out, and do the networks of the ensemble agree?

The sets are those with the least ambiguity (LAC; Sadinle, Lei & Wasserman, 2019): all labels whose probability is at
least 1 - q, where q is a quantile of 1 - p(true label) over images of a calibration set. They hold the true label with
probability 1 - alpha or more, over images and calibration sets, if the images are exchangeable with those of the
calibration set. New real images are; a model's are not. On these the sets are a measuring stick without a guarantee,
and their rates are read against those of real images.

A network may be sure of what is no digit at all, of pure noise even: such images count as clear. The sets tell digits
that could be read in two ways; what is far from all digits is for the metrics of features and of pixels to see.

Strict sets are empty where the predictor is wrong less often than alpha, as on digits. Where it is wrong more often,
hardly any is, and no image is called unlike real ones.
"""

import math

import numpy as np
from scipy.special import entr

from pipeline.metrics.inputs import check_shares

ALPHAS = (0.05, 0.002)  # how often a set may miss the true label: the strict sets, the loose ones


def scores(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How badly each true label fits: 1 - its probability, (n,) in float64.

    Args:
        probabilities: (n, classes), each row summing to 1.
        labels: (n,) the true labels.

    Raises:
        ValueError: for rows that aren't distributions, or another number of labels.
    """
    check_rows(probabilities)
    if labels.shape != (len(probabilities),):
        raise ValueError(f"expected one label for each of {len(probabilities)} rows, found an array {labels.shape}")
    return 1 - probabilities.astype(np.float64)[np.arange(len(labels)), labels]


def threshold(scores: np.ndarray, alpha: float) -> float:
    """The score q that a new one exceeds with probability alpha at most: the ceil((n+1)(1-alpha))-th smallest of n.

    A new score that is exchangeable with the n, and has no ties, is at most q with a probability that is itself random,
    with the distribution Beta(k, n+1-k), k = ceil((n+1)(1-alpha)) (Vovk, 2012). Where k > n there are too few scores
    for this alpha, and q is 1: no label is ruled out.

    Args:
        scores: (n,) numbers in [0, 1], of images that took no part in the training.
        alpha: between 0 and 1.

    Raises:
        ValueError: for scores outside of [0, 1] or that are no numbers, or an alpha outside of (0, 1).
    """
    if not 0 < alpha < 1:
        raise ValueError(f"expected an alpha between 0 and 1, found {alpha}")
    if scores.ndim != 1 or not ((scores >= 0) & (scores <= 1)).all():  # NaN is neither
        raise ValueError(f"expected scores (n,) between 0 and 1, found other numbers in an array {scores.shape}")
    k = math.ceil(round((len(scores) + 1) * (1 - alpha), 9))
    return float(np.sort(scores)[k - 1]) if k <= len(scores) else 1.0


def prediction_sets(probabilities: np.ndarray, q: float) -> np.ndarray:
    """Which labels have a score of at most q: bool (n, classes), of probabilities (n, classes).

    Raises:
        ValueError: for rows that aren't distributions.
    """
    check_rows(probabilities)
    return 1 - probabilities.astype(np.float64) <= q


def kinds(probabilities: np.ndarray, q_strict: float, q_loose: float) -> np.ndarray:
    """What the sets make of each image: (n,) of `ambiguous`, `unlike` or `clear`.

    Ambiguous: the loose set holds two labels or more. Unlike real images: not ambiguous, and the strict set is empty,
    as it is wherever the loose one is. Clear: all others. The strict sets miss about 5 % of real images, so at most
    about as many of these are unlike; how many of them are ambiguous instead depends on the loose threshold.

    Args:
        probabilities: (n, classes), each row summing to 1.
        q_strict: the threshold at alpha = .05.
        q_loose: that at alpha = .002; as less is ruled out, it is not the smaller one.

    Raises:
        ValueError: for rows that aren't distributions, or thresholds in the other order.
    """
    if not q_strict <= q_loose:
        raise ValueError(f"expected a strict threshold not above the loose one, found {q_strict} and {q_loose}")
    strict, loose = (prediction_sets(probabilities, q).sum(axis=1) for q in (q_strict, q_loose))
    return np.select([loose >= 2, strict == 0], ["ambiguous", "unlike"], "clear")


def mutual_information(members: np.ndarray) -> np.ndarray:
    """How much the members of an ensemble disagree on each image: H(mean p) - mean H(p), (n,) in nats.

    0 where all say the same, however unsure they are, and at most the logarithm of the smaller of the number of members
    and that of classes (Houlsby et al., 2011).

    Args:
        members: (members, n, classes) probabilities, each row summing to 1.

    Raises:
        ValueError: for another number of axes, or rows that aren't distributions.
    """
    if members.ndim != 3:
        raise ValueError(f"expected probabilities of shape (members, n, classes), found {members.shape}")
    check_shares(members, "members")
    p = members.astype(np.float64)
    return np.maximum(entr(p.mean(axis=0)).sum(axis=1) - entr(p).sum(axis=2).mean(axis=0), 0)


def check_rows(probabilities: np.ndarray) -> None:
    if probabilities.ndim != 2:
        raise ValueError(f"expected probabilities of shape (n, classes), found {probabilities.shape}")
    check_shares(probabilities, "probabilities")
