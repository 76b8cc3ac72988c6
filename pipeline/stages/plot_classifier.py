"""Draw what the classifier confuses and how far its confidence can be believed."""

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
    names = artifacts.read_json(summary_file)["class_names"]
    pairs = artifacts.read_table(confusion_file)
    counts = pairs.pivot(index="true", columns="predicted", values="count").to_numpy()
    bins = artifacts.read_table(reliability_file)
    artifacts.write_bytes(confusion_picture, svg(classifier.confusion(counts, names)))
    artifacts.write_bytes(reliability_picture, svg(classifier.reliability(bins)))


if __name__ == "__main__":
    run(main)
