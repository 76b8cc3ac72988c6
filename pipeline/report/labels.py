"""The label predictor's page: how far it can be trusted, and what it says of what the models draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.results import Figure, Results
from pipeline.report.views import figures_of


@dataclass(frozen=True)
class Confusion:
    """Test images of one class that the classifier took for another."""

    true: str
    predicted: str
    count: int


@dataclass(frozen=True)
class LabelsPage:
    """The label predictor and its mistakes."""

    classifier: Mapping[str, Any]
    confusions: Sequence[Confusion]
    figures: Mapping[str, Figure]


def labels_page(results: Results) -> LabelsPage:
    """Choose what is shown of the label predictor."""
    return LabelsPage(
        classifier=results.classifier,
        confusions=confusions(results),
        figures=figures_of(results, "comparison") | figures_of(results, "classifier"),
    )


def confusions(results: Results, most: int = 6) -> list[Confusion]:
    """The most frequent mistakes of the classifier."""
    names = results.classifier["class_names"]
    mistakes = results.confusion.query("true != predicted and count > 0")
    ordered = mistakes.sort_values(["count", "true", "predicted"], ascending=[False, True, True]).head(most)
    rows = ordered[["true", "predicted", "count"]].to_numpy().tolist()
    return [Confusion(names[true], names[predicted], count) for true, predicted, count in rows]
