"""Plot what only one kind of model has: what it has learned, or how it draws an image."""

from pathlib import Path

import torch

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.figures import grids
from pipeline.models.base import DrawsInSteps, Exhibit, HasParts
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run


def main(
    *,
    exhibit: str,
    checkpoint_file: Path,
    picture_file: Path,
    about_file: Path,
) -> None:
    """Write the plot, and the text beside it.

    Args:
        exhibit: `parts` or `drawing`.
        checkpoint_file: the trained model, which must be able to show this.
        picture_file: to write.
        about_file: to write: title and caption.
    """
    use_one_thread()
    shown = shown_by(checkpoint_file, exhibit)
    artifacts.write_bytes(picture_file, grids.exhibit((255 * shown.images).round().byte().cpu().numpy()))
    artifacts.write_json(about_file, {"title": shown.title, "caption": shown.caption})


def shown_by(checkpoint: Path, exhibit: str) -> Exhibit:
    """Return an exhibit of a trained model."""
    model, rng = read_model(checkpoint), torch.Generator().manual_seed(0)
    if exhibit == "parts" and isinstance(model, HasParts):
        return model.parts(rng)
    if exhibit == "drawing" and isinstance(model, DrawsInSteps):
        return model.drawing(rng)
    raise ValueError(f"{checkpoint}: a {type(model).__name__} has no exhibit {exhibit!r}. Ask for one that it has.")


if __name__ == "__main__":
    run(main)
