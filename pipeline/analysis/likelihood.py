"""Compare models by the probability of the same test images, image by image."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from pipeline.analysis.gates import MATTERS
from pipeline.analysis.seed_spread import Spread, Spreads
from pipeline.analysis.uncertainty import Estimate

QUESTION = "likelihood"
LEVEL = 0.05
MARGIN = 2.0  # standard deviations between seeds, which a gap must exceed
IMAGES, OF_THESE = "the same test images", "the same test images, of these trainings"
FEW = 10  # images, below which no verdict is given

Probabilities = Mapping[str, Sequence[pd.DataFrame]]  # by model: for each seed image, lower, upper


def contrasts(
    metric: str, probabilities: Probabilities, families: Mapping[str, str], spreads: Spreads, scores: int
) -> Iterator[dict[str, Any]]:
    """Yield the verdict of each pair of models by the log-probabilities of the images that both were asked about.

    A model is better if even its lower bound is above the upper bound of the other: a bound may only win, and never
    lose. The mean difference must be at least log 1.25 nats, more than twice the standard deviation between seeds where
    that is known, and no chance: p <= .05 in a t test, times the number of pairs and of scores. Its variance is that of
    the paired differences between images, and that between the seeds of each model, pooled with that of its family. Its
    degrees of freedom follow from both (Satterthwaite, 1946). Where nothing is known of seeds, the test says that the
    two trained models differ, and nothing about other seeds.

    Args:
        metric: the name of the score.
        probabilities: of all models that have it, without those that failed.
        families: the family of each model.
        spreads: how much the mean varies between trainings of a family.
        scores: primary scores that the question is answered with.

    Returns: rows as of `pipeline.analysis.verdicts.verdicts`.
    """
    pairs = list(itertools.combinations(probabilities, 2))
    for a, b in pairs:
        of_a, of_b = (means(probabilities[model]) for model in (a, b))
        both = of_a.merge(of_b, left_index=True, right_index=True, suffixes=("_a", "_b"))
        if len(both) < FEW:
            continue
        known = [estimate(probabilities[m], spreads.get((families[m], metric, "pixels"))) for m in (a, b)]
        found = [each for each in known if each]
        between = math.sqrt(sum(each.variance for each in found) / 2) if len(found) == 2 else None
        for_a = advantage(both["lower_a"] - both["upper_b"], found)
        for_b = advantage(both["lower_b"] - both["upper_a"], found)
        better, (gap, p) = (a, for_a) if for_a[0] >= for_b[0] else (b, for_b)
        adjusted = min(1.0, p * len(pairs) * scores)
        matters = gap >= math.log(MATTERS) and gap > MARGIN * (between or 0.0)
        points = better if matters and adjusted <= LEVEL else ""
        losses = [-float(both[f"lower_{side}"].mean()) for side in "ab"]
        yield {
            **{"question": QUESTION, "metric": metric, "space": "pixels", "role": "primary", "a": a, "b": b},
            **{"loss_a": losses[0], "loss_b": losses[1], "ratio": math.exp(min(abs(losses[0] - losses[1]), 700.0))},
            **{"spread": between, "p": p, "adjusted": adjusted, "basis": IMAGES if between is not None else OF_THESE},
            **{"unfit": "", "points": points, "decided": points},
        }


def means(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean bounds of each image over seeds, by image; without an upper bound, infinity."""
    together = pd.concat(tables).fillna({"upper": math.inf})
    return together.groupby("image")[["lower", "upper"]].mean()


def estimate(tables: Sequence[pd.DataFrame], known: Spread | None) -> Estimate | None:
    """Return the mean over images and its variance between seeds, pooled with that of the family; None if unknown."""
    values = np.array([table["lower"].mean() for table in tables])
    own, more = len(values) - 1, known.seeds - 1 if known else 0
    squares = float(np.square(values - values.mean()).sum()) + (more * known.sd**2 if known else 0.0)
    return Estimate(float(values.mean()), squares / (own + more), own + more, len(values)) if own + more else None


def advantage(differences: pd.Series, seeds: Sequence[Estimate]) -> tuple[float, float]:
    """Return the mean difference, and the two-sided p value that it is 0.

    Args:
        differences: of each image.
        seeds: the variance between seeds of both models, where it is known.
    """
    mean, n = float(differences.mean()), len(differences)
    if not math.isfinite(mean):
        return -math.inf, 1.0
    parts = [(float(differences.var(ddof=1)) / n, n - 1), *((each.variance / each.n, each.freedom) for each in seeds)]
    variance = math.fsum(part for part, _ in parts)
    if variance == 0:
        return mean, 0.0 if mean else 1.0
    freedom = variance**2 / math.fsum(part**2 / degrees for part, degrees in parts)
    return mean, 2 * float(stdtr(freedom, -abs(mean) / math.sqrt(variance)))
