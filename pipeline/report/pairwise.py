"""Compare two models with each other, question by question."""

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
    """Hold the verdict on one question: the numbers of scores for each model and for neither, and the outcome."""

    question: Question
    asked: Asked
    first: int
    second: int
    neither: int
    outcome: str
    powerless: bool  # whether there are too few seeds to decide anything between this number of models

    @property
    def scores(self) -> int:
        """Return the number of scores of the question."""
        return self.first + self.second + self.neither


@dataclass(frozen=True)
class Duel:
    """Hold the verdicts on one pair of models."""

    first: str
    second: str
    verdicts: Sequence[Verdict]
    single: bool  # one training run of each: the verdicts are about these two runs, not about the kinds of models

    @property
    def powerless(self) -> list[Verdict]:
        """Return the questions that could not have been decided."""
        return [verdict for verdict in self.verdicts if verdict.powerless]

    def won(self, name: str) -> int:
        """Return the number of questions that a model wins."""
        return sum(verdict.outcome == name for verdict in self.verdicts)


def leading(pairs: Sequence[Duel]) -> Duel | None:
    """Return the paper's pair, or else the first pair; None if there is no pair."""
    papers = (each for each in pairs if {each.first, each.second} == set(PAPER))
    return next(papers, pairs[0] if pairs else None)


def duels(verdicts: pd.DataFrame, models: Sequence[str], seeds: int) -> list[Duel]:
    """Return the verdicts on each pair of models.

    Args:
        verdicts: the table that `pipeline.analysis.verdicts.verdicts` returned.
        models: their names in the order of params.yaml.
        seeds: the number of seeds of each model.
    """
    least = least_p(seeds, len(models))
    found = []
    for _, answers in outcomes(verdicts).groupby(["a", "b"], sort=False):
        first, second = answers[["a", "b"]].iloc[0]
        single = bool((answers["basis"] == ONE).all())
        found.append(Duel(first, second, [verdict(answer, least) for answer in answers.to_dict("records")], single))
    return found


def verdict(answer: Mapping[Any, Any], least: float) -> Verdict:
    """Return the verdict on one question; `least` is the smallest p value that a test over seeds can have."""
    return Verdict(
        question=answer["question"],
        asked=QUESTIONS[answer["question"]],
        first=answer["for_a"],
        second=answer["for_b"],
        neither=answer["open"],
        outcome=answer["outcome"],
        powerless=answer["basis"] != ONE and least > LEVEL,
    )
