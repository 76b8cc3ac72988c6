"""Map the latent space of one trained autoencoder: codes of the test images, decoded points, and interpolations."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtri
from torch import Tensor

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.shapes import Codes, as_images, as_pixels
from pipeline.data.dataset_file import read_dataset
from pipeline.models.base import Autoencoder
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run

STEPS = 20  # images per side of the map
EDGE = 0.025  # the map spans this quantile of N(0, 1) to its mirror image
PAIRS, BETWEEN = 10, 11  # pairs of images, and decoded images per pair, ends included


def main(
    *,
    checkpoint_file: Path,
    dataset_file: Path,
    latent_file: Path,
) -> None:
    """Write codes and labels of the test images, a map of decoded points, and interpolations between test images."""
    use_one_thread()
    model, data = read_model(checkpoint_file), read_dataset(dataset_file)
    if not isinstance(model, Autoencoder):
        raise ValueError(
            f"{checkpoint_file}: expected an Autoencoder; found {type(model).__name__}, which has no codes."
        )
    with torch.no_grad():
        codes = model.encode(as_images(torch.from_numpy(data.test_images)))
        axes = plane(codes)
        quantiles = ndtri(np.linspace(EDGE, 1 - EDGE, STEPS))
        right, up = np.meshgrid(quantiles, quantiles[::-1])  # the second direction grows upwards
        points = torch.from_numpy(np.stack([right.ravel(), up.ravel()], 1)).float() @ axes  # (steps^2, latent)
        manifold = as_pixels(model.decode(points))
        chosen = pairs(data.test_labels)
        between = as_pixels(model.decode(lines(codes[chosen[:, 0]], codes[chosen[:, 1]])))
    artifacts.write_arrays(
        latent_file,
        manifold=manifold.numpy().reshape(STEPS, STEPS, 28, 28),
        quantiles=quantiles,
        codes=codes.numpy(),
        labels=data.test_labels,
        axes=axes.numpy(),
        ends=data.test_images[chosen],
        end_labels=data.test_labels[chosen],
        between=between.numpy().reshape(len(chosen), BETWEEN, 28, 28),
    )


def plane(codes: Codes) -> Float[Tensor, "2 latent"]:
    """Return two orthonormal directions of the latent space: its axes if it has two, else the principal ones.

    Principal directions are those of `codes`. If the latent space has one dimension, the rows are (1,) and (0,).
    """
    if codes.shape[1] <= 2:
        return torch.eye(2)[:, : codes.shape[1]]
    return torch.linalg.svd(codes - codes.mean(0), full_matrices=False).Vh[:2]


def pairs(labels: np.ndarray) -> np.ndarray:
    """Return indices (p, 2) of the first image of each class and of the next class, for up to ten classes.

    The first class follows the last one. `labels` (m,) are those of all images.
    """
    _, firsts = np.unique(labels, return_index=True)
    return np.stack([firsts, np.roll(firsts, -1)], axis=1)[:PAIRS]


def lines(starts: Codes, ends: Codes) -> Float[Tensor, "m latent"]:
    """Return codes in equal steps on the straight line from each start to its end, both included, line by line."""
    weights = torch.linspace(0, 1, BETWEEN)[:, None]
    return torch.lerp(starts[:, None], ends[:, None], weights).flatten(0, 1)


if __name__ == "__main__":
    run(main)
