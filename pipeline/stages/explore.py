"""Look into the latent space of one trained autoencoder: the test set in it, and a map of what it decodes to."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm

from pipeline import artifacts
from pipeline.models.base import Autoencoder
from pipeline.shapes import Codes, as_images, as_pixels
from pipeline.stages import run

STEPS = 20  # images a side of the map
EDGE = 0.025  # the map spans this quantile of N(0, 1) to its mirror image


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="explore", description=__doc__)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--latent", type=Path, required=True)
    args = cli.parse_args(argv)

    model, data = artifacts.read_model(args.checkpoint), artifacts.read_dataset(args.dataset)
    if not isinstance(model, Autoencoder):
        raise ValueError(
            f"{args.checkpoint}: expected an Autoencoder; found {type(model).__name__}, which has no codes."
        )
    with torch.no_grad():
        codes = model.encode(as_images(torch.from_numpy(data.test_images)))
        axes = plane(codes)
        quantiles = norm.ppf(np.linspace(EDGE, 1 - EDGE, STEPS))
        right, up = np.meshgrid(quantiles, quantiles[::-1])  # the second direction grows upwards
        points = torch.from_numpy(np.stack([right.ravel(), up.ravel()], 1)).float() @ axes  # (steps^2, latent)
        manifold = as_pixels(model.decode(points))
    artifacts.write_arrays(
        args.latent,
        manifold=manifold.numpy().reshape(STEPS, STEPS, 28, 28),
        quantiles=quantiles,
        codes=codes.numpy(),
        labels=data.test_labels,
        axes=axes.numpy(),
    )


def plane(codes: Codes) -> Codes:
    """Two orthonormal directions of the latent space: its axes if it has two, else the principal ones of `codes`."""
    if codes.shape[1] == 2:
        return torch.eye(2)
    return torch.linalg.svd(codes - codes.mean(0), full_matrices=False).Vh[:2]


if __name__ == "__main__":
    run(main)
