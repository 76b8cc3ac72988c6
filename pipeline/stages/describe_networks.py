"""List the layers of one model's networks, from the live modules."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.data.dataset_file import read_dataset
from pipeline.models.base import count
from pipeline.models.common.architecture import describe
from pipeline.models.common.loading import configured, family_class
from pipeline.stages.cli import run


def main(
    *,
    name: str,
    family: str,
    settings: dict,
    dataset_file: Path,
    networks_file: Path,
) -> None:
    kind = family_class(family)
    classes = len(read_dataset(dataset_file).class_names)
    model = kind(configured(kind, settings, classes, f"models.{name}"))
    artifacts.write_json(
        networks_file,
        {"model": name, "family": family, "parameters": count(model), "networks": describe(model)},
    )


if __name__ == "__main__":
    run(main)
