"""Choose what the page on missing and copied images shows: the scores concerned, and the share of each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.core.names import BLURRED, COPIES, NOISE, TEST
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report.inputs import Figure, Results
from pipeline.report.score_tables import Cell, Table, laid_out
from pipeline.report.wording import home

ASKED = {  # part of the page -> its scores, and the baselines that show what good and bad values look like
    "coverage": (("clipped_coverage", "label_js", "recall", "ndb", "support"), (TEST, COPIES, NOISE)),
    "novelty": (("copying", "authenticity"), (TEST, COPIES, BLURRED)),
    "sharpness": (("sharpness_ratio", "spectrum_distance"), (TEST, BLURRED, NOISE)),
    "size": (("fd_percent", "fd_infinity_percent"), (TEST, COPIES, BLURRED)),
}
STEPS = (0.1, 0.5, 0.8)  # share / share in real images: below 0.1 a class is missing, below the others rare


@dataclass(frozen=True)
class ClassShare:
    """Hold how often a model draws a class: the share, its ratio to real images, and a step of colour from -3 to 3."""

    cell: Cell | None
    times_real: float | None
    step: int


@dataclass(frozen=True)
class ClassRow:
    """Hold the shares of one class, in the real test images and in the images of each model."""

    label: str
    real: Cell | None
    models: Sequence[ClassShare]


@dataclass(frozen=True)
class CoveragePage:
    """Hold what the page shows beside the figures of the models."""

    tables: Mapping[str, Table]  # by the part of the page
    classes: Sequence[ClassRow]
    copies: Figure  # what copying looks like


def coverage_page(results: Results) -> CoveragePage:
    """Choose the scores and the shares."""
    summary, measured, names = results.scores, results.measured, list(results.params.models)
    tables = {}
    for part, (metrics, baselines) in ASKED.items():
        columns = {CATALOGUE[name]: [home(name)] for name in metrics if (name, home(name)) in summary.spaces}
        table = laid_out(columns, summary, results.ranks, names)
        tables[part] = replace(table, others=[row for row in table.others if row.name in baselines])
    return CoveragePage(
        tables=tables,
        classes=[
            class_row(label, measured.share(TEST, index), [measured.share(name, index) for name in names])
            for index, label in enumerate(results.classifier["class_names"])
        ],
        copies=results.figures[f"{COPIES}/nearest.svg"],
    )


def class_row(label: str, real: Cell | None, models: Sequence[Cell | None]) -> ClassRow:
    """Return the shares of one class, with their ratios to real images if the class occurs there."""
    shares = []
    for cell in models:
        times_real = float(cell.value / real.value) if cell and real and real.value else None
        shares.append(ClassShare(cell, times_real, 0 if times_real is None else step(times_real)))
    return ClassRow(label, real, shares)


def step(times_real: float) -> int:
    """Return -3 for a missing class, 0 for one about as frequent as in real images, 3 for one ten times as frequent."""
    scarce = sum(times_real < bound for bound in STEPS)
    plenty = sum(times_real * bound > 1 for bound in STEPS)
    return plenty - scarce
