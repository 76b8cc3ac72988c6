"""Define what the families that are mixtures fitted by EM share."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from pipeline.models.common.blocks import drawn


def k_means(points: Tensor, clusters: int, rng: torch.Generator, steps: int = 8) -> Tensor:
    """Return the cluster of each point (n, d) by Lloyd's algorithm from random points, one-hot, (n, clusters)."""
    centres = points[torch.randperm(len(points), generator=rng)[:clusters].to(points.device)]
    nearest = torch.zeros(len(points), dtype=torch.long, device=points.device)
    for _ in range(steps):
        nearest = (centres.square().sum(1) - 2 * points @ centres.T).argmin(1)
        chosen = one_hot(nearest, len(centres)).to(points.dtype)
        # A cluster that has lost all its points stays where it is.
        counts = chosen.sum(0)[:, None]
        centres = torch.where(counts > 0, chosen.T @ points / counts.clamp_min(1), centres)
    return one_hot(nearest, clusters).to(points.dtype)


def responsible(responsibilities: Tensor, least: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Return the images (m,) for which a component is responsible at all, and how much it is, (m, 1)."""
    chosen = (responsibilities > least).nonzero().squeeze(1)
    return chosen, responsibilities[chosen, None]


def draw_components(log_joint: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a component for each row of log p(image, component), (n, components)."""
    return drawn(log_joint.softmax(1), rng)
