"""Draw samples from one trained model: all its independent draws, one after another."""

from pathlib import Path

import torch

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.params import Samples
from pipeline.core.shapes import Labels, as_pixels
from pipeline.models.base import Conditional, ObservationModel, PixelwiseObservations
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run

BATCH = 1000  # images per pass, so that hidden layers stay small


def main(
    *,
    samples: Samples,
    seed: int,
    checkpoint_file: Path,
    samples_file: Path,
    requested_file: Path | None = None,
) -> None:
    """Write the samples, and for an observation model its observations of the first draw.

    Args:
        samples: the section of params.yaml, as JSON.
        seed: of the model, and of the samples.
        checkpoint_file: the trained model.
        samples_file: to write: a set `images`, and for an observation model a set `observations`.
        requested_file: the labels to sample, which a conditional model needs.
    """
    use_one_thread()
    model = read_model(checkpoint_file)
    rng = torch.Generator().manual_seed(seed)
    count = samples.count * samples.draws  # one draw after another
    if isinstance(model, Conditional):
        requested = requested_labels(requested_file, count, checkpoint_file)
        images = torch.cat([model.sample_labelled(labels, rng) for labels in requested.split(BATCH)])
    elif isinstance(model, ObservationModel) and not isinstance(model, PixelwiseObservations):
        pairs = [model.sample_observed(min(BATCH, count - start), rng) for start in range(0, count, BATCH)]
        images, observations = (torch.cat(each) for each in zip(*pairs, strict=True))
    else:
        images = torch.cat([model.sample(min(BATCH, count - start), rng) for start in range(0, count, BATCH)])
    sets = {"images": as_pixels(images).numpy()}
    if isinstance(model, PixelwiseObservations):
        observations = model.observe(images[: samples.count], rng)
    if isinstance(model, ObservationModel):
        sets["observations"] = as_pixels(observations[: samples.count]).numpy()
    artifacts.write_arrays(samples_file, **sets)


def requested_labels(path: Path | None, count: int, checkpoint: Path) -> Labels:
    """Return the `count` labels of a file that the stage `choose_labels` wrote."""
    if path is None:
        raise ValueError(
            f"{checkpoint} is of a conditional model: expected --requested-file, the labels of its samples."
        )
    labels = artifacts.read_arrays(path)["labels"]
    if len(labels) != count:
        raise ValueError(f"{path} should hold {count} labels, one a sample; found {len(labels)}. Make it anew.")
    return torch.from_numpy(labels)


if __name__ == "__main__":
    run(main)
