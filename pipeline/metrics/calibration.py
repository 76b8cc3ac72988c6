"""Measure how well the confidence of the classifier agrees with its accuracy."""

import numpy as np

BINS = 15


def reliability(confidence: np.ndarray, correct: np.ndarray) -> list[dict[str, float]]:
    """Return the confidence and the accuracy in bins of confidence of equal width; empty bins are left out.

    Args:
        confidence: (n,) the probability of the predicted class.
        correct: (n,) bool, whether it is the true class.
    """
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, BINS - 1)
    return [
        {
            "lower": float(edges[b]),
            "upper": float(edges[b + 1]),
            "confidence": float(confidence[bins == b].mean()),
            "accuracy": float(correct[bins == b].mean()),
            "count": int((bins == b).sum()),
        }
        for b in np.unique(bins)
    ]


def calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the expected calibration error (Naeini et al., 2015): mean |confidence - accuracy| over bins.

    The bins are those of `reliability`, weighted by their numbers of images.
    """
    rows = reliability(confidence, correct)
    return float(sum(abs(r["confidence"] - r["accuracy"]) * r["count"] for r in rows) / len(confidence))


def adaptive_calibration_error(confidence: np.ndarray, correct: np.ndarray) -> float:
    """Return the calibration error over bins with equal numbers of images, by confidence (Nixon et al., 2019).

    Of bins of equal width, the last holds nearly all images; these bins divide them. Images of equal confidence share
    their mean accuracy, so their order does not matter. Arguments as for `reliability`.
    """
    # Each image's confidence, less the accuracy of all images of this confidence.
    _, group = np.unique(confidence, return_inverse=True)
    gap = confidence - (np.bincount(group, correct) / np.bincount(group))[group]
    bins = np.array_split(gap[np.argsort(confidence, kind="stable")], BINS)
    return float(sum(abs(gaps.sum()) for gaps in bins) / len(confidence))


def confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> list[dict[str, int]]:
    """Return how often each class was predicted for each true class: rows of true, predicted, count."""
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (true, predicted), 1)
    return [{"true": t, "predicted": p, "count": int(counts[t, p])} for t in range(classes) for p in range(classes)]
