"""Write and read checkpoints of generative models."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.core.artifacts import read_weights, write_weights
from pipeline.models.base import GenerativeModel
from pipeline.models.common.loading import family_class


def write_model(path: Path, model: GenerativeModel, family: str, about: Mapping[str, str]) -> None:
    """Write a checkpoint from which `read_model` can rebuild the model; `about` is stored with it."""
    write_weights(path, model.state_dict(), {"family": family, "config": model.config.model_dump_json(), **about})


def read_model(path: Path) -> GenerativeModel:
    """Return the model of a checkpoint, on the CPU and in eval mode."""
    weights, about = read_weights(path)
    kind = family_class(about["family"])
    model = kind(kind.Config.model_validate_json(about["config"]))
    model.load_state_dict(weights)
    return model.eval()
