"""Two models against each other, question by question."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from pipeline.metrics.base import Question
from pipeline.report.measures import QUESTIONS, Asked
from pipeline.verdicts import LEVEL, ONE, outcomes

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


def duel(verdicts: pd.DataFrame, models: Sequence[str], seeds: int) -> Duel | None:
    """The paper's pair, else the first two models; None where there are no two.

    Args:
        verdicts: of `pipeline.verdicts.verdicts`.
        models: in the order of params.yaml.
        seeds: of each model.
    """
    pair = PAPER if set(PAPER) <= set(models) else models[:2]
    table = outcomes(verdicts)
    answers = table[table["a"].isin(pair) & table["b"].isin(pair)].to_dict("records")
    if not answers:
        return None
    least = 2 / math.comb(2 * seeds, seeds) * math.comb(len(models), 2)  # the p value of seeds that do not overlap
    listed = [
        Verdict(
            question=answer["question"],
            asked=QUESTIONS[answer["question"]],
            first=answer["for_a"],
            second=answer["for_b"],
            neither=answer["open"],
            outcome=answer["outcome"],
            powerless=answer["basis"] != ONE and least > LEVEL,
        )
        for answer in answers
    ]
    return Duel(answers[0]["a"], answers[0]["b"], listed, single=all(answer["basis"] == ONE for answer in answers))
