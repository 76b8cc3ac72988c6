"""Put each model to two tests before any comparison: it must beat noise, and it must not copy its training images."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from pipeline.analysis.losses import Trainings, losses_of
from pipeline.analysis.summary import Score, mean
from pipeline.core.names import NOISE, TEST
from pipeline.metrics.catalogue import CATALOGUE

MATTERS = 1.25  # the least ratio of two losses that counts as a difference
NEAREST = -3.0  # C_T is a mean of z scores; below this, images are significantly nearer to the training set
NOISY, COPYING = "noise", "copying"
COLUMNS = ("model", "gate", "metric", "space", "value", "limit", "passed")


def gates(trained: Trainings, models: Sequence[str]) -> pd.DataFrame:
    """Test each model by its mean scores over seeds.

    - `noise`: by each primary score of fidelity, the loss of noise beyond that of real images is at least 1.25 times
      that of the model. A model that fails is never ranked.
    - `copying`: C_T is at least -3 (Meehan et al., 2020), and the authenticity (Alaa et al., 2022) times 1.25 at least
      that of real test images. Nothing is ranked by this test: no model is newer than another.

    Returns:
        One row for each model, gate and score that was measured: the value, its limit, and whether the model passed.
    """
    rows = [row for model in models for row in (*beats_noise(trained, model), *copies_nothing(trained, model))]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)).astype({"value": float, "limit": float, "passed": bool})


def beats_noise(trained: Trainings, model: str) -> Iterator[dict[str, Any]]:
    """Yield the tests of a model against noise."""
    for score in scores_of(trained, model):
        metric = CATALOGUE[score.metric]
        if metric.question != "fidelity" or metric.role != "primary":
            continue
        own, noise = (losses_of(score._replace(model=name), trained) for name in (model, NOISE))
        if own is not None and noise is not None:
            loss, limit = float(own.mean()), float(noise.mean()) / MATTERS
            yield row(model, NOISY, score, loss, limit, loss <= limit)


def copies_nothing(trained: Trainings, model: str) -> Iterator[dict[str, Any]]:
    """Yield the tests of a model for copies of training images."""
    for score in scores_of(trained, model):
        value, real = mean(trained, score), mean(trained, score._replace(model=TEST))
        if value is None:
            continue
        if score.metric == "copying" and score.space == "pixels":
            yield row(model, COPYING, score, value, NEAREST, value >= NEAREST)
        elif score.metric == "authenticity" and score.space == "pixels" and real is not None:
            yield row(model, COPYING, score, value, real / MATTERS, value >= real / MATTERS)


def scores_of(trained: Trainings, model: str) -> list[Score]:
    """Return the scores of the catalogue that a model's images have."""
    return [s for s in trained if s.model == model and s.set == "images" and s.metric in CATALOGUE]


def row(model: str, gate: str, score: Score, value: float, limit: float, passed: bool) -> dict[str, Any]:
    """Return one row of the table."""
    about = {"model": model, "gate": gate, "metric": score.metric, "space": score.space}
    return about | {"value": value, "limit": limit, "passed": passed}


def failed(found: pd.DataFrame, gate: str) -> list[str]:
    """Return the models that fail a gate by one score or more."""
    wrong = found[(found["gate"] == gate) & ~found["passed"].astype(bool)]
    return list(dict.fromkeys(wrong["model"]))
