"""Choose what the page on the classifier shows: its predictions for each set of images, and how reliable it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.core.names import NOISE, SHOWN, TEST
from pipeline.report.inputs import Figure, Results
from pipeline.report.pages.model import figures_of, kinds
from pipeline.report.pages.paper import Claim, claims_of
from pipeline.report.score_tables import Cell, Summary

ABOUT = {"right": ("recognised", "equally_recognised"), "apart": ("no_help",)}  # names of the claims about labels
KINDS = {"clear": "clear", "ambiguous": "ambiguous", "unlike": "unlike any class"}  # name in tables -> name on pages


@dataclass(frozen=True)
class Seen:
    """Hold the classifier's predictions for all images of one source; what was not measured is None."""

    name: str
    confidence: Cell | None
    clear: Cell | None
    ambiguous: Cell | None
    unlike: Cell | None
    as_requested: Cell | None  # the share that is predicted as the requested class


@dataclass(frozen=True)
class Torn:
    """Hold the two labels between which the most ambiguous images of a gallery are undecided."""

    one: str
    other: str
    count: int


@dataclass(frozen=True)
class Gallery:
    """Hold the first images of one source, with the counts of each label and each kind."""

    name: str
    title: str
    sheet: Figure
    images: int
    labels: Sequence[int]
    kinds: Mapping[str, int]
    torn: Torn | None


@dataclass(frozen=True)
class Confusion:
    """Count the test images of one class that the classifier took for another."""

    true: str
    predicted: str
    count: int


@dataclass(frozen=True)
class LabelsPage:
    """Hold the predicted labels, the gallery, and the classifier with its mistakes."""

    seen: Sequence[Seen]  # for the models
    beside: Sequence[Seen]  # for the real test images and noise
    mostly_clear: Sequence[str]  # models most of whose images are clear
    claims: Mapping[str, Sequence[Claim]]  # the paper's claims: are labels right, do they separate the models
    galleries: Sequence[Gallery]
    tiles: Mapping[str, Any]  # all galleries, for a script
    kinds: Mapping[str, str]
    classifier: Mapping[str, Any]
    confusions: Sequence[Confusion]
    figures: Mapping[str, Figure]


def labels_page(results: Results) -> LabelsPage:
    """Choose what is shown of the predicted labels."""
    summary = results.scores
    models = [seen(summary, name) for name in results.params.models]
    return LabelsPage(
        seen=models,
        beside=[seen(summary, name) for name in (TEST, NOISE)],
        mostly_clear=[each.name for each in models if each.clear and each.clear.value > 0.5],
        claims={
            what: [claim for claim in claims_of(results.claims) if claim.name in names] for what, names in ABOUT.items()
        },
        galleries=[gallery(results, name) for name in results.galleries],
        tiles=tiles(results),
        kinds=KINDS,
        classifier=results.classifier,
        confusions=confusions(results),
        figures=figures_of(results, "comparison") | figures_of(results, "classifier"),
    )


def seen(summary: Summary, name: str) -> Seen:
    """Look up the classifier's predictions for one source."""
    clear = next((Cell(kind.share) for kind in kinds(summary, name) if not kind.metric), None)
    metrics = ("confidence", "conformal_ambiguous", "conformal_unlike", "label_fidelity")
    confidence, ambiguous, unlike, as_requested = (summary.cell(name, metric) for metric in metrics)
    return Seen(name, confidence, clear, ambiguous, unlike, as_requested)


def gallery(results: Results, name: str) -> Gallery:
    """Count the labels and the kinds of one gallery."""
    table, names = results.galleries[name], results.classifier["class_names"]
    labels = table["label"].value_counts().reindex(range(len(names)), fill_value=0)
    return Gallery(
        name=name,
        title=SHOWN.get(name, name),
        sheet=results.figures[f"{name}/gallery.png"],
        images=len(table),
        labels=labels.tolist(),
        kinds={kind: int((table["kind"] == kind).sum()) for kind in KINDS},
        torn=torn(table, names),
    )


def torn(table: pd.DataFrame, names: Sequence[str]) -> Torn | None:
    """Return the two likeliest labels that most ambiguous images share, in either order; None if none occur twice."""
    unsure = table.loc[table["kind"] == "ambiguous", ["label", "second"]].to_numpy().tolist()
    pairs = Counter((min(pair), max(pair)) for pair in unsure)
    (one, other), count = min(pairs.items(), key=lambda item: (-item[1], item[0]), default=((0, 0), 0))
    return Torn(names[one], names[other], count) if count > 1 else None


def tiles(results: Results) -> dict[str, Any]:
    """Return what a script needs to filter the galleries: the names of classes and kinds, and the tiles by column."""
    columns = ["index", "left", "top", "label", "confidence", "kind", "second", "second_probability"]
    return {
        "classes": results.classifier["class_names"],
        "kinds": KINDS,
        "galleries": {name: table[columns].to_dict("list") for name, table in results.galleries.items()},
    }


def confusions(results: Results, most: int = 6) -> list[Confusion]:
    """Return the most frequent mistakes of the classifier."""
    names = results.classifier["class_names"]
    mistakes = results.confusion.query("true != predicted and count > 0")
    ordered = mistakes.sort_values(["count", "true", "predicted"], ascending=[False, True, True]).head(most)
    rows = ordered[["true", "predicted", "count"]].to_numpy().tolist()
    return [Confusion(names[true], names[predicted], count) for true, predicted, count in rows]
