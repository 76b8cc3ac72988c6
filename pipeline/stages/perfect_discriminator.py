"""Train a fresh discriminator against one GAN's frozen generator, and record the norm of the generator's gradient.

This is the experiment of Arjovsky & Bottou (2017, Figures 2 and 3). As the discriminator improves, the gradient of
E log(1 - D(G(z))) vanishes, while that of -E log D(G(z)) grows.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from pipeline.core import artifacts
from pipeline.core.compute import Arithmetic, choose
from pipeline.core.params import Compute
from pipeline.core.shapes import Labels, Pixels, as_images, labels_at
from pipeline.data.dataset_file import read_dataset
from pipeline.models.base import Adversarial, TrainedModel
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run
from pipeline.training import loop
from pipeline.training.monitor import generator_gradients, undisturbed

STEPS = 150  # of the discriminator
SEED = 0  # of the fresh discriminator, the batches and the noise


def main(
    *,
    compute: Compute,
    checkpoint_file: Path,
    dataset_file: Path,
    gradients_file: Path,
) -> None:
    """Write what the discriminator logs and the norms of both gradients, for each step.

    Args:
        compute: the section of params.yaml, as JSON.
        checkpoint_file: the trained GAN.
        dataset_file: the data set, for its training images.
        gradients_file: to write.
    """
    arithmetic = choose(compute)
    model = read_model(checkpoint_file)
    if not (isinstance(model, Adversarial) and isinstance(model, TrainedModel)):
        raise ValueError(
            f"{checkpoint_file}: expected an Adversarial model; found {type(model).__name__}, "
            "which has no discriminator."
        )
    data = read_dataset(dataset_file)
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    labels = torch.from_numpy(data.train_labels).to(arithmetic.device)
    torch.manual_seed(SEED)
    # Keep all trained weights, except those of the discriminator, which starts untrained.
    untrained = type(model)(model.config).discriminator.state_dict()
    model.discriminator.load_state_dict(untrained)
    model.to(arithmetic.device)
    artifacts.write_table(gradients_file, pd.DataFrame(beaten(model, pixels, arithmetic, labels)))


def beaten(
    model: TrainedModel, pixels: Pixels, arithmetic: Arithmetic, labels: Labels | None = None
) -> Iterator[dict[str, float]]:
    """Train the discriminator of an `Adversarial` model alone, without dropout.

    Yields:
        Before each step and at the end: step, what the discriminator's objective logs, and the norms of both gradients.
    """
    assert isinstance(model, Adversarial)
    optimizers = loop.Optimizers(model.config)
    rng = torch.Generator().manual_seed(SEED)
    model.eval()
    for step in range(STEPS + 1):
        chosen = torch.randint(len(pixels), (model.config.batch_size,), generator=rng).to(pixels.device)
        objectives = model.labelled_objectives(as_images(pixels[chosen]), labels_at(chosen, labels))
        for objective in arithmetic.objectives(objectives):
            if objective.trains is not model.discriminator:
                continue
            with undisturbed(model):
                gradients = generator_gradients(model, arithmetic)
            yield {"step": step, **{name: value.item() for name, value in {**objective.logged, **gradients}.items()}}
            loop.descend(objective, optimizers)


if __name__ == "__main__":
    run(main)
