"""Choose what the page shows that compares any two models side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.core.names import TEST
from pipeline.report.score_tables import Scored, ScoreTable
from pipeline.report.wording import QUESTIONS


@dataclass(frozen=True)
class Line:
    """Hold one score, for the real test images and for each model."""

    metric: str
    title: str
    space: str
    real: Scored
    models: Mapping[str, Scored]


@dataclass(frozen=True)
class ComparePage:
    """Hold all scores with a column for each model; a script reduces these to two."""

    questions: Sequence[str]  # titles of the questions that have a winner
    lines: Mapping[str, Sequence[Line]]  # by the title of the question


def compare_page(tables: Sequence[ScoreTable]) -> ComparePage:
    """Transpose the tables of scores, so that models stand side by side."""
    return ComparePage(
        questions=[asked.title for asked in QUESTIONS.values() if asked.goal],
        lines={table.asked.title: lines(table) for table in tables},
    )


def lines(table: ScoreTable) -> list[Line]:
    """Return a row for each score of one question."""
    real = next((row for row in table.scores.others if row.name == TEST), None)
    return [
        Line(
            metric=metric.name,
            title=metric.title,
            space=space,
            real=real.values[place] if real else Scored(None, ""),
            models={row.name: row.values[place] for row in table.scores.models},
        )
        for place, (metric, space) in enumerate(table.scores.places)
    ]
