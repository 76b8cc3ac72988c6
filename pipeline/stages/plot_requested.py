"""Plot the labels requested of one conditional model against those that the classifier predicts."""

from pathlib import Path

import pandas as pd

from pipeline.core import artifacts
from pipeline.evaluation.protocol import rows_of
from pipeline.figures import classifier
from pipeline.figures.style import svg
from pipeline.metrics.calibration import confusion
from pipeline.stages.cli import run


def main(
    *,
    summary_file: Path,
    requested_file: Path,
    labels_file: Path,
    requested_table: Path,
    requested_picture: Path,
) -> None:
    """Write the plot and its table.

    Args:
        summary_file: the summary of the classifier, for the names of the classes.
        requested_file: the requested labels.
        labels_file: the predicted labels of the samples.
        requested_table: to write: requested, predicted, count.
        requested_picture: to write.
    """
    names = artifacts.read_json(summary_file)["class_names"]
    requested = artifacts.read_arrays(requested_file)["labels"]
    labels = artifacts.read_table(labels_file)
    predicted = rows_of(labels, "images", len(requested))["label"].to_numpy()
    pairs = pd.DataFrame(confusion(requested, predicted, len(names))).rename(columns={"true": "requested"})
    counts = pairs.pivot(index="requested", columns="predicted", values="count").to_numpy()
    artifacts.write_table(requested_table, pairs)
    artifacts.write_bytes(requested_picture, svg(classifier.requested(counts, names)))


if __name__ == "__main__":
    run(main)
