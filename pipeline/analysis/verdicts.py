"""Decide which of two models is better, by stated rules, and rank all models as far as that is possible."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.gates import MATTERS, NOISY, failed, gates
from pipeline.analysis.likelihood import QUESTION, Probabilities, contrasts
from pipeline.analysis.losses import Trainings, losses_of, unfit
from pipeline.analysis.seed_spread import Spread, Spreads
from pipeline.analysis.summary import Score, by_draw, mean, pooled_sd, trainings
from pipeline.analysis.uncertainty import Estimate, permutation_test, welch_test
from pipeline.core.names import NOISE, TEST
from pipeline.metrics.base import CONCERNS, Metric
from pipeline.metrics.catalogue import CATALOGUE

LEVEL = 0.05
SPREADS = 3.0  # standard deviations between draws of one training run, which a gap must exceed
MARGIN = 2.0  # standard deviations between seeds, which a gap must exceed
SEEDS, SPREAD, DRAWS = "permutation of seeds", "spread between seeds", "draws of one training each"
TEXTS = ("space", "unfit", "points", "decided")  # columns that may be empty
TRADE, OPEN = "a trade", "not separable"
COLUMNS = (
    *("question", "metric", "space", "role", "a", "b", "loss_a", "loss_b", "ratio", "spread"),
    *("p", "adjusted", "basis", "unfit", "points", "decided"),
)


def verdicts(
    metrics: pd.DataFrame,
    families: Mapping[str, str],
    spreads: Spreads,
    probabilities: Mapping[str, Probabilities] | None = None,
) -> pd.DataFrame:
    """Compare each pair of models by each metric that may rank them, in each space.

    What is compared is a loss, on the scale of the metric and beyond the loss of real images (`losses_of`): the score,
    its negative if higher is better, or its distance from the best value. A score points to the model with the smaller
    loss, if three things hold:

    - The larger loss is at least 1.25 times the smaller one, if real images have such a score.
    - The gap is more than twice the standard deviation between seeds, where that is known.
    - The gap is not chance, by one of three tests; the table names it as the basis:

      - `permutation of seeds`, if there are enough of them: an exact permutation test over the means of the seeds gives
        p <= .05. This p is adjusted for all scores that are tested together (Westfall & Young, 1993) and multiplied by
        the number of pairs. For n against n seeds it is at least 2 / C(2n, n) times the pairs: .029 for four seeds and
        one pair, .0079 for five, which is enough for six pairs.
      - `spread between seeds`, if there are fewer: a t test for unequal variances (Welch, 1947) gives p <= .05, after
        multiplying by the number of scores and pairs. The variance of each model is that between its own seeds, pooled
        with that of its family in `spreads`. It is assumed to be the same for all models of a family with losses of
        that size, and in proportion to the loss for larger ones.
      - `draws of one training each`, if a family has no row there: each draw of one model is better than each draw of
        the other, and the gap exceeds 3 pooled standard deviations of the draws. This says that the two trained models
        differ, and nothing about other seeds. The error rate for two models with equal scores is 9.5 % with two draws
        and 2.1 % with three (Student's t, beyond 3 and 3.7).

    The primary scores of a question are tested together, and so are its supporting scores. A model that fails the gate
    `noise` is not compared. A score decides what it points to, unless it is unfit: a blur, one Gaussian or noise beats
    real images by it, or noise beats both models. Only the set `images` is compared. A pair has no row for a metric
    that one of the two lacks. Scores in nats are compared image by image, as `likelihood.contrasts` says.

    Args:
        metrics: the tidy table of all sources.
        families: the family of each model to compare, in the order in which a pair is named.
        spreads: how much each score varies between trainings of a family.
        probabilities: for each score in nats, the log-probabilities of the test images under the models that have it.

    Returns:
        One row for each pair, metric and space:

        - loss_a, loss_b: the mean losses over seeds; ratio: the larger one / the smaller one;
        - spread: the standard deviation between seeds, pooled over both models; empty if it is unknown;
        - p, adjusted: of the test; empty for draws;
        - points: the name of the better model, or empty;
        - unfit: why the score cannot rank, or empty; decided: as `points`, but empty if the score is unfit.

    Raises:
        ValueError: for a model without scores, or more than 200 000 splits of the seeds.
    """
    trained = trainings(by_draw(metrics))
    if missing := [model for model in families if not any(score.model == model for score in trained)]:
        raise ValueError(
            f"expected scores of each compared model; found none of {', '.join(missing)}. Measure these too."
        )
    out = failed(gates(trained, list(families)), NOISY)
    pairs = list(itertools.combinations([model for model in families if model not in out], 2))
    rows, scores = [], 1 + len(probabilities or {})  # of the question that has scores in nats
    for together in groups(trained):
        for a, b in pairs:
            found = [contrast(metric, space, (a, b), trained, families, spreads) for metric, space in together]
            shared = scores if together[0][0].question == QUESTION else 1
            rows += judged([each for each in found if each], len(pairs) * shared)
    for name, found in (probabilities or {}).items():
        compared = {model: found[model] for model in families if model in found and model not in out}
        rows += contrasts(name, compared, families, spreads, scores)
    numeric = dict.fromkeys(("loss_a", "loss_b", "ratio", "spread", "p", "adjusted"), float)
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)).astype(numeric)


def groups(trained: Trainings) -> list[list[tuple[Metric, str]]]:
    """Return the metrics that may rank, each in each space, grouped by those that are tested together."""
    found: dict[tuple[str, str], list[tuple[Metric, str]]] = {}
    for metric in CATALOGUE.values():
        if metric.ranks and metric.scale != "nats":
            for space in dict.fromkeys(score.space for score in trained if score.metric == metric.name):
                found.setdefault((metric.question, metric.role), []).append((metric, space))
    return list(found.values())


def least_p(n: int, m: int, pairs: int) -> float:
    """Return the smallest p of the permutation test for n against m seeds, times the number of pairs."""
    return (2 if n == m else 1) / math.comb(n + m, n) * pairs


@dataclass(frozen=True, eq=False)
class Side:
    """Hold the losses of one model by one score."""

    model: str
    losses: np.ndarray  # (seeds,)
    draws: np.ndarray  # (draws,) losses of the first seed
    known: Spread | None  # of its family

    @property
    def mean(self) -> float:
        """Return the mean over seeds."""
        return float(self.losses.mean())

    @property
    def estimate(self) -> Estimate | None:
        """Return the mean, the variance between seeds and its degrees of freedom; None if nothing tells it."""
        own = len(self.losses) - 1
        squares = float(np.square(self.losses - self.mean).sum())
        known = self.known.seeds - 1 if self.known else 0
        if self.known:
            squares += known * self.known.at(self.mean) ** 2
        return Estimate(self.mean, squares / (own + known), own + known, own + 1) if own + known else None


@dataclass(frozen=True, eq=False)
class Contrast:
    """Hold the losses of two models by one score."""

    about: dict[str, Any]
    a: Side
    b: Side
    unfit: str

    @property
    def ratio(self) -> float:
        """Return the larger loss / the smaller one: 1 if both are 0, infinite if only one is.

        It is NaN if losses are negative, which means that real images have no such score.
        """
        low, high = sorted((self.a.mean, self.b.mean))
        if low > 0:
            return high / low
        return math.nan if low < 0 else math.inf if high > 0 else 1.0

    @property
    def better(self) -> str:
        """Return the name of the model with the smaller loss."""
        return self.a.model if self.a.mean < self.b.mean else self.b.model

    @property
    def estimates(self) -> list[Estimate]:
        """Return what is known of both models, or of one, or of none."""
        return [estimate for side in (self.a, self.b) if (estimate := side.estimate)]

    @property
    def spread(self) -> float | None:
        """Return the standard deviation between seeds, pooled over both models; None if one is unknown."""
        known = self.estimates
        return math.sqrt(sum(each.variance for each in known) / 2) if len(known) == 2 else None


def contrast(
    metric: Metric,
    space: str,
    pair: tuple[str, str],
    trained: Trainings,
    families: Mapping[str, str],
    spreads: Spreads,
) -> Contrast | None:
    """Return the losses of two models by one score; None if they cannot be compared."""
    sides = []
    for model in pair:
        score = Score(model, "images", metric.name, space)
        losses = losses_of(score, trained)
        if losses is None:
            return None
        real = mean(trained, score._replace(model=TEST))
        draws = metric.loss(trained[score][0], 0.0 if real is None else real)
        sides.append(Side(model, losses, draws, spreads.get((families[model], metric.name, space))))
    a, b = sides
    noise = losses_of(Score(NOISE, "images", metric.name, space), trained)
    reason = unfit(metric, space, trained)
    if not reason and noise is not None and noise.mean() < min(a.mean, b.mean):
        reason = "finds noise nearer to real images than either model"
    about = {"question": metric.question, "metric": metric.name, "space": space, "role": metric.role}
    return Contrast(about | {"a": a.model, "b": b.model}, a, b, reason)


def judged(contrasts: Sequence[Contrast], pairs: int) -> list[dict[str, Any]]:
    """Return the verdicts of the scores of one pair that are tested together."""
    exact = permutation_tests([each for each in contrasts if basis(each, pairs) == SEEDS])
    rows = []
    for each in contrasts:
        p, adjusted = exact.get((each.about["metric"], each.about["space"]), (None, None))
        if basis(each, pairs) == SPREAD:
            p = adjusted = welch_test(*each.estimates)
            adjusted *= len(contrasts)
        adjusted = None if adjusted is None else min(1.0, adjusted * pairs)
        sure = separated(each.a, each.b) if adjusted is None else adjusted <= LEVEL
        gap = abs(each.a.mean - each.b.mean)
        matters = not each.ratio < MATTERS and gap > MARGIN * (each.spread or 0.0)
        points = each.better if sure and matters else ""
        rows.append(
            each.about
            | {"loss_a": each.a.mean, "loss_b": each.b.mean, "ratio": each.ratio, "spread": each.spread}
            | {"p": p, "adjusted": adjusted, "basis": basis(each, pairs)}
            | {"unfit": each.unfit, "points": points, "decided": "" if each.unfit else points}
        )
    return rows


def basis(contrast: Contrast, pairs: int) -> str:
    """Return the test that a contrast allows."""
    n, m = len(contrast.a.losses), len(contrast.b.losses)
    if min(n, m) > 1 and least_p(n, m, pairs) <= LEVEL:
        return SEEDS
    return SPREAD if contrast.spread is not None else DRAWS


def permutation_tests(contrasts: Sequence[Contrast]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the p value and the adjusted p value of each metric and space, for one pair of models.

    Scores with different numbers of training runs are tested in separate groups; adjusted values are then multiplied by
    the number of groups.
    """
    found: dict[tuple[int, int], list[Contrast]] = {}
    for each in contrasts:
        found.setdefault((len(each.a.losses), len(each.b.losses)), []).append(each)
    tests = {}
    for group in found.values():
        sides = (np.stack([side.losses for side in sides]) for sides in zip(*((c.a, c.b) for c in group), strict=True))
        test = permutation_test(*sides)
        for each, p, adjusted in zip(group, test.p, test.adjusted, strict=True):
            tests[each.about["metric"], each.about["space"]] = (float(p), float(adjusted * len(found)))
    return tests


def separated(a: Side, b: Side) -> bool:
    """Return whether two training runs differ: no draws overlap, and the gap exceeds 3 pooled standard deviations.

    There must be one training run of each, with at least two draws.
    """
    spread, draws = pooled_sd([a.draws, b.draws]), (a.draws, b.draws)
    if spread is None or max(len(a.losses), len(b.losses)) > 1 or min(map(len, draws)) < 2:
        return False
    low, high = sorted(draws, key=np.mean)
    return bool(low.max() < high.min() and high.mean() - low.mean() > SPREADS * spread)


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rank of each model by each score as an interval: ties are shown, not broken.

    Args:
        found: the table that `verdicts` returned.

    Returns:
        question, metric, space, model, best, worst. `best` is 1 + (number of decidedly better models), and `worst` is
        (number of models) - (number of decidedly worse models). A score that is unfit to rank any pair has no rows.
    """
    rows = []
    for key, tests in found.groupby(["question", "metric", "space"], sort=False, dropna=False):
        if (tests["unfit"] == "").any():
            rows += [(*key, *rank) for rank in ranked(tests, tests["decided"])]
    return pd.DataFrame(rows, columns=pd.Index(["question", "metric", "space", "model", "best", "worst"]))


def ranked(tests: pd.DataFrame, winners: pd.Series) -> list[tuple[str, int, int]]:
    """Return each model with its best and its worst rank, from one row for each pair and the winner of each, or ""."""
    models = list(dict.fromkeys([*tests["a"], *tests["b"]]))
    decided = winners.isin(models)
    losers = tests["a"].where(tests["a"] != winners, tests["b"])[decided]
    return [
        (model, int(1 + (losers == model).sum()), int(len(models) - (winners[decided] == model).sum()))
        for model in models
    ]


@dataclass(frozen=True)
class Outcome:
    """Hold the verdict on one question for one pair of models.

    A question goes to a model to which at least one primary score points, if none points to the other. It is a trade if
    some point to each, and not separable if none points to either. Nothing is averaged over scores or questions.
    """

    question: str
    a: str
    b: str
    primary: pd.DataFrame  # the rows of the verdicts table
    supporting: pd.DataFrame
    outcome: str = field(init=False)

    def __post_init__(self) -> None:
        for_a, for_b = ((self.primary["decided"] == model).any() for model in (self.a, self.b))
        outcome = (TRADE if for_b else self.a) if for_a else (self.b if for_b else OPEN)
        object.__setattr__(self, "outcome", outcome)

    @property
    def against(self) -> pd.DataFrame:
        """Return the supporting scores that point to the model which does not win."""
        pointing = self.supporting["points"].isin([self.a, self.b])
        lost = self.supporting["points"] != self.outcome
        return self.supporting[pointing & lost] if self.outcome in (self.a, self.b) else self.supporting[:0]


def outcomes(found: pd.DataFrame) -> list[Outcome]:
    """Return the verdict on each question that has a winner, for each pair, from the table that `verdicts` returned."""
    chosen = found[found["question"].isin(list(CONCERNS))]
    return [
        Outcome(str(question), str(a), str(b), tests[tests["role"] == "primary"], tests[tests["role"] == "supporting"])
        for (question, a, b), tests in chosen.groupby(["question", "a", "b"], sort=False)
    ]
