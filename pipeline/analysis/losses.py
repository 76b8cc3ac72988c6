"""Turn scores into losses beyond those of real images, and say by which scores no models can be ranked."""

from collections.abc import Mapping

import numpy as np

from pipeline.analysis.sensitivity import PREFERRED, preference
from pipeline.analysis.summary import Score, mean, seed_means
from pipeline.core.names import BLURRED, COPIES, NOISE, TEST
from pipeline.metrics.base import Metric
from pipeline.metrics.catalogue import CATALOGUE

Trainings = Mapping[Score, list[np.ndarray]]
BAD = {  # baselines that are worse than real images, whatever the question
    BLURRED: "blurred images",
    "gaussian": "draws from one Gaussian",
    NOISE: "noise",
}


def losses_of(score: Score, trained: Trainings) -> np.ndarray | None:
    """Return the loss of each seed beyond that of real images, (seeds,), at least 0.

    The loss of real images is the larger one of two sets: test images, one half against the other, and training images
    against test images. Models learn from training images, so theirs is about the least that a model can reach. Without
    scores of the test images, the loss is not reduced.

    Returns:
        None if the score was not measured, or if it is better the closer it is to real images and these have none.
    """
    raw = raw_losses(score, trained)
    if raw is None:
        return None
    real = [raw_losses(score._replace(model=name), trained) for name in (TEST, COPIES)]
    if real[0] is None:
        return raw
    return np.maximum(raw - max(float(losses.mean()) for losses in real if losses is not None), 0.0)


def raw_losses(score: Score, trained: Trainings) -> np.ndarray | None:
    """Return the loss of each seed, (seeds,); None as for `losses_of`."""
    metric = CATALOGUE[score.metric]
    real = mean(trained, score._replace(model=TEST))
    if score not in trained or (real is None and metric.better == "closer to real"):
        return None
    return metric.loss(seed_means(trained[score]), 0.0 if real is None else real)


def unfit(metric: Metric, space: str, trained: Trainings) -> str:
    """Return why no models can be ranked by a score: the bad images that it prefers to real ones, in words; or ""."""
    test, copies, *bad = (trained.get(Score(name, "images", metric.name, space), []) for name in (TEST, COPIES, *BAD))
    if not test:
        return ""
    real, more = (copies[0], test[0]) if copies else (test[0], np.array([]))
    for name, draws in zip(BAD, bad, strict=True):
        if draws and preference(metric, draws[0], real, more) >= PREFERRED:
            return f"prefers {BAD[name]} to real ones"
    return ""
