"""Put the comparison into words: the verdict on each pair of models, their budgets, and the order of all models."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.analysis.gates import COPYING, MATTERS, NOISY, failed
from pipeline.analysis.likelihood import OF_THESE
from pipeline.analysis.verdicts import DRAWS, OPEN, TRADE, Outcome, outcomes, ranked
from pipeline.metrics.base import CORRUPTIONS, Metric, Question
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.formatting import number
from pipeline.report.wording import QUESTIONS, Asked

PAPER = ("gan", "vae")
SHOWN = ("metric", "space", "points", "decided", "unfit")  # columns of a test


@dataclass(frozen=True)
class Test:
    """Hold what one score says of two models: the one that it points to, or "", and the one that it decides for.

    The reason says why it may be wrong: it is unfit in this run, or known to prefer a corruption.
    """

    metric: Metric
    space: str
    points: str
    decided: str
    reason: str


@dataclass(frozen=True)
class Verdict:
    """Hold the verdict on one question."""

    question: Question
    asked: Asked
    outcome: str
    primary: Sequence[Test]
    agree: int  # supporting scores that are decided for the winner
    supporting: int
    against: Sequence[Test]  # supporting scores that point to the other model


@dataclass(frozen=True)
class Duel:
    """Hold the comparison of two models."""

    first: str
    second: str
    failed: Sequence[str]  # those of the two that are no better than noise; if there are any, there are no verdicts
    verdicts: Sequence[Verdict]
    by_draws: bool  # whether some verdicts hold for these two training runs only
    budgets: Sequence[str]

    def won(self, name: str) -> list[Verdict]:
        """Return the questions that a model wins; OPEN and TRADE are names here, too."""
        return [verdict for verdict in self.verdicts if verdict.outcome == name]

    @property
    def open(self) -> list[Verdict]:
        """Return the questions on which the two are not separable."""
        return self.won(OPEN)

    @property
    def trades(self) -> list[Verdict]:
        """Return the questions on which the primary scores disagree."""
        return self.won(TRADE)


@dataclass(frozen=True)
class Rank:
    """Hold the rank of one model by one question; an interval if it is tied."""

    model: str
    best: int
    worst: int


@dataclass(frozen=True)
class Order:
    """Hold the order of all models by one question, the best first."""

    question: Question
    asked: Asked
    ranks: Sequence[Rank]


@dataclass(frozen=True)
class Comparison:
    """Hold what the comparison of all models says."""

    duels: Sequence[Duel]
    orders: Sequence[Order]
    failed: Sequence[str]  # models that are no better than noise
    copying: Sequence[str]  # models whose images are copies of training images

    @property
    def leading(self) -> Duel | None:
        """Return the paper's pair, or else the first pair; None if there is no pair."""
        papers = (each for each in self.duels if {each.first, each.second} == set(PAPER))
        return next(papers, self.duels[0] if self.duels else None)


def comparison(
    verdicts: pd.DataFrame,
    gates: pd.DataFrame,
    models: Sequence[str],
    training: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Comparison:
    """Return what is said of each pair and of all models.

    Args:
        verdicts: the table that `pipeline.analysis.verdicts.verdicts` returned.
        gates: the table that `pipeline.analysis.gates.gates` returned.
        models: their names in the order of params.yaml.
        training: the records of the training runs of each model.
    """
    out, answers = failed(gates, NOISY), outcomes(verdicts)
    pairs = [(a, b) for at, a in enumerate(models) for b in models[at + 1 :]]
    return Comparison(
        duels=[duel(pair, [x for x in answers if (x.a, x.b) == pair], out, training) for pair in pairs],
        orders=list(orders(answers)),
        failed=out,
        copying=failed(gates, COPYING),
    )


def duel(
    pair: tuple[str, str],
    answers: Sequence[Outcome],
    out: Sequence[str],
    training: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Duel:
    """Return what is said of one pair."""
    records = [training.get(model, ()) for model in pair]
    return Duel(
        *pair,
        failed=[model for model in pair if model in out],
        verdicts=[verdict(answer) for answer in answers],
        by_draws=any(of_these_trainings(answer.primary).any() for answer in answers),
        budgets=list(budgets(pair, *records)) if all(records) else [],
    )


def of_these_trainings(rows: pd.DataFrame) -> pd.Series:
    """Return which scores say nothing about other trainings: those whose spread between seeds is not known."""
    return rows["basis"].isin([DRAWS, OF_THESE])


def verdict(answer: Outcome) -> Verdict:
    """Return the verdict on one question."""
    question: Any = answer.question
    return Verdict(
        question=question,
        asked=QUESTIONS[question],
        outcome=answer.outcome,
        primary=tests(answer.primary),
        agree=int((answer.supporting["decided"] == answer.outcome).sum()),
        supporting=len(answer.supporting),
        against=tests(answer.against),
    )


def tests(rows: pd.DataFrame) -> list[Test]:
    """Return the scores in these rows of the verdicts table."""
    return [
        Test(CATALOGUE[metric], space, points, decided, unfit or preferred(CATALOGUE[metric]))
        for metric, space, points, decided, unfit in rows[list(SHOWN)].to_numpy().tolist()
    ]


def preferred(metric: Metric) -> str:
    """Return which corruptions a metric is known to prefer to real images, in words; empty for none."""
    names = [CORRUPTIONS[name] for name in metric.prefers]
    return f"is known to prefer {' and '.join(names[:2])} to real images" if names else ""


def orders(answers: Sequence[Outcome]) -> Iterator[Order]:
    """Yield the order of all models for each question; ties are intervals of ranks."""
    table = pd.DataFrame(
        [(x.question, x.a, x.b, x.outcome) for x in answers], columns=["question", "a", "b", "outcome"]
    )
    for question, pairs in table.groupby("question", sort=False):
        name: Any = question
        found = sorted(ranked(pairs, pairs["outcome"]), key=lambda each: each[1:])
        yield Order(name, QUESTIONS[name], [Rank(*each) for each in found])


def budgets(
    pair: Sequence[str], first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a phrase for each model: the resources of which it had clearly more than the other."""
    resources = {
        "{} times as many training images": lambda record: record["images_seen"],
        "{} times the CPU time": lambda record: record["cpu_seconds"],
        "{} times as many parameters": lambda record: record["parameters"]["total"],
        "a code {} times as long": lambda record: record["config"].get("latent", 0),
    }
    more: dict[str, list[str]] = {model: [] for model in pair}
    for phrase, amount in resources.items():
        a, b = (sum(map(amount, records)) / len(records) for records in (first, second))
        if min(a, b) > 0 and max(a, b) / min(a, b) >= MATTERS:
            model, ratio = (pair[0], a / b) if a > b else (pair[1], b / a)
            more[model].append(phrase.format(number(float(f"{ratio:.2g}"))))
    for model, phrases in more.items():
        if phrases:
            yield f"{model} had {listed(phrases)}"


def listed(phrases: Sequence[str]) -> str:
    """Return phrases as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(phrases[:-1]), phrases[-1]]))
