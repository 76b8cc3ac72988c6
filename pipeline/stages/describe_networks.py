"""List the layers of one model's networks, from the modules themselves."""

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
    """Write the layers of each network and the number of parameters.

    Args:
        name: of the model.
        family: the file of pipeline/models/ that defines the model.
        settings: what differs from the defaults of the family, as JSON.
        dataset_file: the data set, for its number of classes.
        networks_file: to write.
    """
    kind = family_class(family)
    classes = len(read_dataset(dataset_file).class_names)
    model = kind(configured(kind, settings, classes, f"models.{name}"))
    artifacts.write_json(
        networks_file,
        {"model": name, "family": family, "parameters": count(model), "networks": describe(model)},
    )


if __name__ == "__main__":
    run(main)
