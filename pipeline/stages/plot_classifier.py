"""Plot the confusion matrix and the reliability diagram of the classifier."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.figures import classifier
from pipeline.figures.style import svg
from pipeline.stages.cli import run


def main(
    *,
    summary_file: Path,
    confusion_file: Path,
    reliability_file: Path,
    confusion_picture: Path,
    reliability_picture: Path,
) -> None:
    """Write both plots.

    Args:
        summary_file: the summary of the classifier, for the names of the classes.
        confusion_file: true and predicted classes of the test images.
        reliability_file: accuracy in bins of confidence.
        confusion_picture: to write.
        reliability_picture: to write.
    """
    names = artifacts.read_json(summary_file)["class_names"]
    pairs = artifacts.read_table(confusion_file)
    counts = pairs.pivot(index="true", columns="predicted", values="count").to_numpy()
    bins = artifacts.read_table(reliability_file)
    artifacts.write_bytes(confusion_picture, svg(classifier.confusion(counts, names)))
    artifacts.write_bytes(reliability_picture, svg(classifier.reliability(bins)))


if __name__ == "__main__":
    run(main)
