"""Decide which of two models is better, by stated rules, and rank all models as far as that is possible."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from pipeline.analysis.summary import Score, by_draw, mean, pooled_sd, seed_means, trainings
from pipeline.analysis.uncertainty import permutation_test
from pipeline.core.names import TEST
from pipeline.metrics.base import Metric, Question
from pipeline.metrics.catalogue import CATALOGUE

LEVEL = 0.05
SPREADS = 3.0  # standard deviations between draws of one training run, which a gap must exceed
SEEDS, ONE = "seeds", "one training each"
MIXED, OPEN = "mixed", "not separable"
COLUMNS = ("question", "metric", "space", "a", "b", "gap", "p", "adjusted", "floor_sd", "decided", "basis")

Trainings = Mapping[Score, list[np.ndarray]]


def verdicts(metrics: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Compare each pair of models by each metric that may rank them, in each space.

    What is compared is a loss: the score, its negative if higher is better, or its distance from the best value. The
    best value is a number in the catalogue, or the score of the real test images for "closer to real". A gap counts
    only if it exceeds the standard deviation of the score between draws of the real test images (0 with a single draw).
    The other condition depends on the number of seeds, the basis of the verdict:

    - `seeds`, if a model has several: an exact permutation test over the means of the seeds gives p <= .05. This p is
      adjusted for all scores of the question at once (Westfall & Young, 1993) and multiplied by the number of pairs.
      For n against n seeds it is at least 2 / C(2n, n) times the pairs: a third for two, .1 for three, .029 for four,
      .0079 for five. So fewer than four seeds decide nothing, and five decide among up to 6 pairs.
    - `one training each`, if both have one: each draw of one model is better than each draw of the other. There are at
      least two draws of each, and the gap exceeds 3 pooled standard deviations of the draws. This says that the two
      trained models differ, and nothing about other seeds. The error rate for two models with equal scores is 9.5 %
      with two draws and 2.1 % with three (Student's t, beyond 3 and 3.7).

    Only the set `images` is compared. A pair has no row for a metric that one of the two lacks. Nor does it if the
    metric is a distance from real images whose own value is unknown.

    Args:
        metrics: the tidy table of all sources.
        models: the models to compare, in the order in which a pair is named.

    Returns:
        One row for each pair, metric and space:

        - gap: the mean of `a` minus that of `b`, for the score or for its distance from the best value;
        - p, adjusted: empty for one training each;
        - decided: the name of the better model, or empty.

    Raises:
        ValueError: for a model without scores, or more than 200 000 splits of the seeds.
    """
    trained = trainings(by_draw(metrics))
    if missing := [model for model in models if not any(score.model == model for score in trained)]:
        raise ValueError(
            f"expected scores of each compared model; found none of {', '.join(missing)}. Measure these too."
        )
    tables = [judged(question, trained, models) for question in get_args(Question)]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def least_p(seeds: int, models: int) -> float:
    """Return the smallest possible adjusted p: that of seeds that do not overlap, times the number of pairs."""
    return 2 / math.comb(2 * seeds, seeds) * math.comb(models, 2)


@dataclass(frozen=True, eq=False)
class Contrast:
    """Hold the losses of two models by one score, for each seed, or for each draw if both have one training run."""

    about: dict[str, Any]
    a: np.ndarray
    b: np.ndarray
    floor_sd: float | None

    @property
    def worse(self) -> float:
        """Return the mean loss of `a` minus that of `b`."""
        return float(self.a.mean() - self.b.mean())

    @property
    def better(self) -> str:
        """Return the name of the model with the smaller mean loss."""
        return self.about["a"] if self.worse < 0 else self.about["b"]


def judged(question: Question, trained: Trainings, models: Sequence[str]) -> pd.DataFrame:
    """Return the verdicts on one question."""
    metrics = [metric for metric in CATALOGUE.values() if metric.question == question and metric.ranks]
    spaces = {m.name: dict.fromkeys(score.space for score in trained if score.metric == m.name) for m in metrics}
    pairs = list(itertools.combinations(models, 2))
    rows = []
    for a, b in pairs:
        # Losses of this pair, for each score that both models have.
        found = [contrast(metric, space, a, b, trained) for metric in metrics for space in spaces[metric.name]]
        contrasts = [each for each in found if each]

        # One permutation test for all scores over seeds; then decide each score.
        tests = permutation_tests([each for each in contrasts if each.about["basis"] == SEEDS])
        for each in contrasts:
            p, adjusted = tests.get((each.about["metric"], each.about["space"]), (None, None))
            adjusted = None if adjusted is None else min(1.0, adjusted * len(pairs))
            sure = separated(each.a, each.b) if adjusted is None else adjusted <= LEVEL
            decided = each.better if sure and abs(each.worse) > (each.floor_sd or 0) else ""
            gap = -each.worse if each.about["target"] == "higher" else each.worse
            rows.append(
                each.about | {"gap": gap, "p": p, "adjusted": adjusted, "floor_sd": each.floor_sd, "decided": decided}
            )
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)).astype(
        {"gap": float, "p": float, "adjusted": float, "floor_sd": float}
    )


def contrast(metric: Metric, space: str, a: str, b: str, trained: Trainings) -> Contrast | None:
    """Return the losses of two models by one score; None if they cannot be compared."""
    score = Score(TEST, "images", metric.name, space)
    draws = [trained.get(score._replace(model=model), []) for model in (a, b)]
    target = mean(trained, score) if metric.better == "closer to real" else metric.better
    if not all(draws) or target is None:
        return None
    single = all(len(each) == 1 for each in draws)
    of_a, of_b = (losses(each[0] if single else seed_means(each), target) for each in draws)
    about = {"question": metric.question, "metric": metric.name, "space": space, "a": a, "b": b, "target": target}
    about["basis"] = ONE if single else SEEDS
    return Contrast(about, of_a, of_b, pooled_sd(trained.get(score, [])))


def permutation_tests(contrasts: Sequence[Contrast]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the p value and the adjusted p value of each metric and space, for one pair of models.

    Scores with different numbers of training runs are tested in separate groups; adjusted values are then multiplied by
    the number of groups.
    """
    groups: dict[tuple[int, int], list[Contrast]] = {}
    for each in contrasts:
        groups.setdefault((len(each.a), len(each.b)), []).append(each)
    found = {}
    for group in groups.values():
        test = permutation_test(np.stack([each.a for each in group]), np.stack([each.b for each in group]))
        for each, p, adjusted in zip(group, test.p, test.adjusted, strict=True):
            found[each.about["metric"], each.about["space"]] = (p, adjusted * len(groups))
    return found


def losses(values: np.ndarray, better: str | float) -> np.ndarray:
    """Return values for which lower is better: the values, their negative, or their distance from `better`."""
    if isinstance(better, str):
        return values if better == "lower" else -values
    return np.abs(values - better)


def separated(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two training runs differ: no draws overlap, and the gap exceeds 3 pooled standard deviations.

    At least two draws of each are needed.
    """
    spread = pooled_sd([a, b])
    if spread is None or min(len(a), len(b)) < 2:
        return False
    return bool((a.max() < b.min() or b.max() < a.min()) and abs(a.mean() - b.mean()) > SPREADS * spread)


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of each model as an interval: ties are shown, not broken.

    Args:
        found: the table that `verdicts` returned.

    Returns:
        question, metric, space, model, best, worst. `best` is 1 + (number of decidedly better models), and `worst` is
        (number of models) - (number of decidedly worse models).
    """
    rows = []
    for (question, metric, space), tests in found.groupby(["question", "metric", "space"], sort=False, dropna=False):
        models = list(dict.fromkeys([*tests["a"], *tests["b"]]))
        decided = tests[tests["decided"].isin(models)]
        losers = decided["a"].where(decided["a"] != decided["decided"], decided["b"])
        for model in models:
            best, worst = 1 + (losers == model).sum(), len(models) - (decided["decided"] == model).sum()
            rows.append((question, metric, space, model, best, worst))
    return pd.DataFrame(rows, columns=pd.Index(["question", "metric", "space", "model", "best", "worst"]))


def outcomes(found: pd.DataFrame) -> pd.DataFrame:
    """Return the verdict on each question for each pair of models.

    A question goes to a model that is better in at least one metric and space, and worse in none. It is `mixed` if each
    model is better in some, and `not separable` if neither is better in any. Nothing is averaged over scores or
    questions.

    Args:
        found: the table that `verdicts` returned.

    Returns:
        question, a, b, outcome (the name of a model, `mixed` or `not separable`), basis, and the numbers of tests:
        for_a (decided for a), for_b (decided for b), open (not decided).
    """
    rows = []
    for (question, a, b), tests in found.groupby(["question", "a", "b"], sort=False):
        for_a, for_b = ((tests["decided"] == model).sum() for model in (a, b))
        outcome = (MIXED if for_b else a) if for_a else (b if for_b else OPEN)
        undecided = len(tests) - for_a - for_b
        rows.append((question, a, b, for_a, for_b, undecided, outcome, tests["basis"].iloc[0]))
    columns = ["question", "a", "b", "for_a", "for_b", "open", "outcome", "basis"]
    return pd.DataFrame(rows, columns=pd.Index(columns))
