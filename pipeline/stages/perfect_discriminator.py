"""Train a fresh discriminator against one GAN's frozen generator, and watch what is left of the generator's gradient.

The experiment of Arjovsky & Bottou (2017, Figures 2 and 3): the better the discriminator, the smaller the gradient of
E log(1 - D(G(z))), while that of -E log D(G(z)) grows.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline import artifacts, compute, training
from pipeline.models.base import Adversarial, TrainedModel
from pipeline.monitor import generator_gradients, undisturbed
from pipeline.params import Compute
from pipeline.shapes import Labels, Pixels, as_images, labels_at
from pipeline.stages import run, settings

STEPS = 150
SEED = 0  # of the fresh discriminator, the batches and the noise


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="perfect_discriminator", description=__doc__)
    cli.add_argument("--compute", type=settings(Compute, "compute"), required=True)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--gradients", type=Path, required=True)
    args = cli.parse_args(argv)

    arithmetic = compute.choose(args.compute)
    model = artifacts.read_model(args.checkpoint)
    if not (isinstance(model, Adversarial) and isinstance(model, TrainedModel)):
        raise ValueError(
            f"{args.checkpoint}: expected an Adversarial model; found {type(model).__name__}, "
            "which has no discriminator."
        )
    data = artifacts.read_dataset(args.dataset)
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    labels = torch.from_numpy(data.train_labels).to(arithmetic.device)
    torch.manual_seed(SEED)
    fresh = type(model)(model.config).to(arithmetic.device)
    fresh.generator.load_state_dict(model.generator.state_dict())
    artifacts.write_table(args.gradients, pd.DataFrame(beaten(fresh, pixels, arithmetic, labels)))


def beaten(
    model: TrainedModel, pixels: Pixels, arithmetic: compute.Arithmetic, labels: Labels | None = None
) -> Iterator[dict[str, float]]:
    """Let the discriminator of an `Adversarial` model move alone, without dropout.

    Yields, before each step and at the end: step, what the discriminator's objective watches, and the norms of the two
    gradients.
    """
    assert isinstance(model, Adversarial)
    optimizers = training.Optimizers(model.config)
    rng = torch.Generator().manual_seed(SEED)
    model.eval()
    for step in range(STEPS + 1):
        chosen = torch.randint(len(pixels), (model.config.batch_size,), generator=rng).to(pixels.device)
        objectives = model.labelled_objectives(as_images(pixels[chosen]), labels_at(chosen, labels))
        for move in arithmetic.moves(objectives):
            if move.trains is not model.discriminator:
                continue
            with undisturbed(model):
                gradients = generator_gradients(model, arithmetic)
            yield {"step": step, **{name: value.item() for name, value in {**move.watch, **gradients}.items()}}
            training.descend(move, optimizers)


if __name__ == "__main__":
    run(main)
