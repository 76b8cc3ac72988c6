"""Two models against each other, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.analysis.verdicts import LEVEL, ONE, least_p, outcomes
from pipeline.metrics.base import Question
from pipeline.report.wording import QUESTIONS, Asked

PAPER = ("gan", "vae")


@dataclass(frozen=True)
class Verdict:
    """One question: in how many scores either model is better, in how many neither is, and what follows."""

    question: Question
    asked: Asked
    first: int
    second: int
    neither: int
    outcome: str
    powerless: bool  # so few seeds cannot decide anything among so many models

    @property
    def scores(self) -> int:
        return self.first + self.second + self.neither


@dataclass(frozen=True)
class Duel:
    """The verdicts of one pair of models."""

    first: str
    second: str
    verdicts: Sequence[Verdict]
    single: bool  # one training of each: it says something of these two, not of their kinds

    @property
    def powerless(self) -> list[Verdict]:
        """The questions that could not have been decided."""
        return [verdict for verdict in self.verdicts if verdict.powerless]

    def won(self, name: str) -> int:
        """The number of questions that go to a model."""
        return sum(verdict.outcome == name for verdict in self.verdicts)


def leading(pairs: Sequence[Duel]) -> Duel | None:
    """Of all pairs the paper's, else that of the first two models; None where there are no two."""
    papers = (each for each in pairs if {each.first, each.second} == set(PAPER))
    return next(papers, pairs[0] if pairs else None)


def duels(verdicts: pd.DataFrame, models: Sequence[str], seeds: int) -> list[Duel]:
    """The verdicts of each pair of models.

    Args:
        verdicts: of `pipeline.verdicts.verdicts`.
        models: in the order of params.yaml.
        seeds: of each model.
    """
    least = least_p(seeds, len(models))
    found = []
    for _, answers in outcomes(verdicts).groupby(["a", "b"], sort=False):
        first, second = answers[["a", "b"]].iloc[0]
        single = bool((answers["basis"] == ONE).all())
        found.append(Duel(first, second, [verdict(answer, least) for answer in answers.to_dict("records")], single))
    return found


def verdict(answer: Mapping[Any, Any], least: float) -> Verdict:
    """One question; `least` is the smallest p value that a test over seeds can have."""
    return Verdict(
        question=answer["question"],
        asked=QUESTIONS[answer["question"]],
        first=answer["for_a"],
        second=answer["for_b"],
        neither=answer["open"],
        outcome=answer["outcome"],
        powerless=answer["basis"] != ONE and least > LEVEL,
    )
