"""Which of two models is better, by stated rules, and which of all, as far as that can be said."""

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
SPREADS = 3.0  # of the draws of one training, that a gap must exceed
SEEDS, ONE = "seeds", "one training each"
MIXED, OPEN = "mixed", "not separable"
COLUMNS = ("question", "metric", "space", "a", "b", "gap", "p", "adjusted", "floor_sd", "decided", "basis")

Trainings = Mapping[Score, list[np.ndarray]]


def verdicts(metrics: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Compare each two models by each metric that may rank them, in each space.

    What counts is the score, or its distance from the value of a perfect model where the catalogue gives one, or from
    that of the real test images where it says "closer to real". A gap is a difference if it exceeds the standard
    deviation of the score between draws of the real test images (0 where there is but one draw), and

    - where a model has several seeds (basis `seeds`): an exact permutation test over the means of the seeds has p of at
      most .05, adjusted for all scores of the question at once (Westfall & Young, 1993) and multiplied by the number of
      pairs. For n against n seeds it is at least 2 / C(2n, n) times the pairs: a third for two, .1 for three, .029 for
      four, .0079 for five. So fewer than four seeds decide nothing, and five decide among up to 6 pairs.
    - where both have one (basis `one training each`): each draw of the one is better than each of the other, there are
      at least two of each, and the gap exceeds 3 pooled standard deviations of the draws. This says that these two
      trained models differ, and nothing of how another seed would end. Of two with equal scores it is wrong in 9.5 % of
      the tests with two draws and in 2.1 % with three (Student's t, beyond 3 and 3.7).

    Only the set `images` is compared. A metric that one of the two lacks has no row for them, nor has one that is
    judged by a distance from real images without a value of theirs.

    Args:
        metrics: the tidy table of all sources.
        models: those to compare, in the order in which a pair is named.

    Returns:
        `gap` is the mean of `a` less that of `b`, of what counts; `p` and `adjusted` are empty for one training each;
        `decided` names the better model, or is empty.

    Raises:
        ValueError: for a model without scores, or more than 200 000 splits of the seeds.
    """
    trained = trainings(by_draw(metrics))
    if missing := [model for model in models if not any(score.model == model for score in trained)]:
        raise ValueError(f"expected scores of each compared model; found none of {', '.join(missing)}")
    tables = [judged(question, trained, models) for question in get_args(Question)]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def least_p(seeds: int, models: int) -> float:
    """Return the smallest adjusted p that a test can have: that of seeds that do not overlap, times the pairs."""
    return 2 / math.comb(2 * seeds, seeds) * math.comb(models, 2)


@dataclass(frozen=True, eq=False)
class Contrast:
    """Two models by one score: what counts of it, seed by seed, or draw by draw of one training each."""

    about: dict[str, Any]
    a: np.ndarray
    b: np.ndarray
    floor_sd: float | None

    @property
    def worse(self) -> float:
        """By how much `a` loses more."""
        return float(self.a.mean() - self.b.mean())

    @property
    def better(self) -> str:
        return self.about["a"] if self.worse < 0 else self.about["b"]


def judged(question: Question, trained: Trainings, models: Sequence[str]) -> pd.DataFrame:
    """The verdicts of one question."""
    metrics = [metric for metric in CATALOGUE.values() if metric.question == question and metric.ranks]
    spaces = {m.name: dict.fromkeys(score.space for score in trained if score.metric == m.name) for m in metrics}
    pairs = list(itertools.combinations(models, 2))
    rows = []
    for a, b in pairs:
        found = [contrast(metric, space, a, b, trained) for metric in metrics for space in spaces[metric.name]]
        contrasts = [each for each in found if each]
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
    """One comparison; None where the two cannot be compared."""
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
    """The p value and the adjusted one of each metric and space of one pair of models.

    Scores that a training lacks are tested apart from the others, and all are multiplied by the number of such groups.
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
    """What is worse the higher it is: the values, their negative, or their distance from the number `better`."""
    if isinstance(better, str):
        return values if better == "lower" else -values
    return np.abs(values - better)


def separated(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether all draws of one training lie below all of the other, 3 pooled standard deviations away; two of each."""
    spread = pooled_sd([a, b])
    if spread is None or min(len(a), len(b)) < 2:
        return False
    return bool((a.max() < b.min() or b.max() < a.min()) and abs(a.mean() - b.mean()) > SPREADS * spread)


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """The rank of each model as an interval: ties are shown, not broken.

    Args:
        found: of `verdicts`.

    Returns:
        question, metric, space, model, best, worst. `best` is 1 + the number of models that are decidedly better,
        `worst` the number of models less that of those that are decidedly worse.
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
    """The verdict on each question for each pair.

    A question goes to a model that is better in at least one metric and space, and worse in none; it is `mixed` if both
    are better in some, and `not separable` if neither is in any. Nothing is averaged, neither here nor over questions.

    Args:
        found: of `verdicts`.

    Returns:
        question, a, b, for_a, for_b, open (the numbers of tests decided for a, for b, and not), outcome (the name of a
        model, `mixed` or `not separable`), basis.
    """
    rows = []
    for (question, a, b), tests in found.groupby(["question", "a", "b"], sort=False):
        for_a, for_b = ((tests["decided"] == model).sum() for model in (a, b))
        outcome = (MIXED if for_b else a) if for_a else (b if for_b else OPEN)
        undecided = len(tests) - for_a - for_b
        rows.append((question, a, b, for_a, for_b, undecided, outcome, tests["basis"].iloc[0]))
    columns = ["question", "a", "b", "for_a", "for_b", "open", "outcome", "basis"]
    return pd.DataFrame(rows, columns=pd.Index(columns))
