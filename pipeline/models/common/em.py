"""Learn tables of probabilities by stochastic EM."""

import torch
from torch import Tensor, nn

SMOOTHING = 1e-7  # expected count per image that is added to each entry, so that none is 0
LAST = 0.02  # size of the last EM step, as a share of the first


class Table(nn.Module):
    """Hold probabilities that sum to 1 over the last dimension, and the expected counts behind them.

    Stochastic EM (Cappé & Moulines, 2009) moves the counts of an average image a step $\\eta$ towards those of a batch,
    and normalises them. The expected count of an entry is its probability times the derivative of the log-probability
    of the images by it, so it needs the gradient only, and no pass of its own.
    """

    counts: Tensor

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.probability = nn.Parameter(torch.zeros(shape))
        self.register_buffer("counts", torch.zeros(shape))
        self.start(1 + torch.rand(shape))

    @torch.no_grad()
    def start(self, counts: Tensor) -> None:
        """Start from the counts of an average image."""
        self.counts.copy_(counts)
        self.probability.copy_(normalised(self.counts))

    @torch.no_grad()
    def learn(self, step: Tensor) -> None:
        """Make an EM step, of size `step`, from the gradient of the mean negative log-probability of a batch."""
        if self.probability.grad is not None:
            self.counts.lerp_(-self.probability * self.probability.grad, step)
            self.probability.copy_(normalised(self.counts))


class Schedule(nn.Module):
    """Give the size of each EM step: it falls linearly over the training, from `first`."""

    done: Tensor
    planned: Tensor

    def __init__(self, first: float) -> None:
        super().__init__()
        self.first = first
        self.register_buffer("done", torch.zeros(()))
        self.register_buffer("planned", torch.ones(()))

    def plan(self, steps: int) -> None:
        """Set the number of steps of the training."""
        self.planned.fill_(steps)

    def next(self) -> Tensor:
        """Return the size of the next step, a scalar tensor."""
        left = (1 - self.done / self.planned).clamp_min(0)
        self.done += 1
        return self.first * (LAST + (1 - LAST) * left)


def normalised(counts: Tensor) -> Tensor:
    """Return the counts, smoothed, over their sum in the last dimension."""
    smoothed = counts + SMOOTHING
    return smoothed / smoothed.sum(dim=-1, keepdim=True)
