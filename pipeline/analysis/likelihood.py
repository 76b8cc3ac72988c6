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

LEVEL = 0.05
MARGIN = 2.0  # standard deviations between seeds, which a gap must exceed
IMAGES = "the same test images"
FEW = 10  # images, below which no verdict is given

Probabilities = Mapping[str, Sequence[pd.DataFrame]]  # by model: for each seed image, lower, upper


def contrasts(
    metric: str, probabilities: Probabilities, families: Mapping[str, str], spreads: Spreads
) -> Iterator[dict[str, Any]]:
    """Yield the verdict of each pair of models by the log-probabilities of the images that both were asked about.

    A model is better if even its lower bound is above the upper bound of the other: a bound may only win, and never
    lose. The mean difference must be at least log 1.25 nats, more than twice the standard deviation between seeds where
    that is known, and no chance: p <= .05 in a paired t test over the images, times the number of pairs. The variance
    between seeds, where it is known, is added to that between images.

    Args:
        metric: the name of the score.
        probabilities: of all models that have it, without those that failed.
        families: the family of each model.
        spreads: how much the mean varies between trainings of a family.

    Returns: rows as of `pipeline.analysis.verdicts.verdicts`.
    """
    pairs = list(itertools.combinations(probabilities, 2))
    for a, b in pairs:
        of_a, of_b = (means(probabilities[model]) for model in (a, b))
        both = of_a.merge(of_b, left_index=True, right_index=True, suffixes=("_a", "_b"))
        if len(both) < FEW:
            continue
        known = [spread(probabilities[m], spreads.get((families[m], metric, "pixels"))) for m in (a, b)]
        found = [each for each in known if each is not None]
        between = math.sqrt(sum(sd**2 for sd in found) / 2) if len(found) == 2 else None
        counts = [len(probabilities[model]) for model in (a, b)]
        variance = math.fsum(sd**2 / n for sd, n in zip(known, counts, strict=True) if sd is not None)
        for_a = advantage(both["lower_a"] - both["upper_b"], variance)
        for_b = advantage(both["lower_b"] - both["upper_a"], variance)
        better, (gap, p) = (a, for_a) if for_a[0] >= for_b[0] else (b, for_b)
        adjusted = min(1.0, p * len(pairs))
        matters = gap >= math.log(MATTERS) and gap > MARGIN * (between or 0.0)
        points = better if matters and adjusted <= LEVEL else ""
        losses = [-float(both[f"lower_{side}"].mean()) for side in "ab"]
        yield {
            **{"question": "likelihood", "metric": metric, "space": "pixels", "role": "primary", "a": a, "b": b},
            **{"loss_a": losses[0], "loss_b": losses[1], "ratio": math.exp(min(abs(losses[0] - losses[1]), 700.0))},
            **{"spread": between, "p": p, "adjusted": adjusted, "basis": IMAGES},
            **{"unfit": "", "points": points, "decided": points},
        }


def means(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean bounds of each image over seeds, by image; without an upper bound, infinity."""
    together = pd.concat(tables).fillna({"upper": math.inf})
    return together.groupby("image")[["lower", "upper"]].mean()


def spread(tables: Sequence[pd.DataFrame], known: Spread | None) -> float | None:
    """Return the standard deviation between seeds of the mean over images: of these seeds, or else of the family."""
    if len(tables) > 1:
        return float(np.std([table["lower"].mean() for table in tables], ddof=1))
    return known.sd if known else None


def advantage(differences: pd.Series, variance: float) -> tuple[float, float]:
    """Return the mean difference, and the two-sided p value that it is 0, where its seeds have this variance."""
    mean, n = float(differences.mean()), len(differences)
    if not math.isfinite(mean):
        return -math.inf, 1.0
    error = math.sqrt(float(differences.var(ddof=1)) / n + variance)
    if error == 0:
        return mean, 0.0 if mean else 1.0
    return mean, 2 * float(stdtr(n - 1, -abs(mean) / error))
