"""Define the layers and functions that two or more families use unchanged."""

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from pipeline.core.shapes import Labels


class SigmoidInLoss(nn.Identity):
    """Mark the end of a network that returns logits; the loss applies the sigmoid.

    Inside the loss the sigmoid is numerically exact. At a logit of -90, the gradient of `BCELoss(sigmoid(a), 1)` is 0,
    while that of the same loss written on logits is -1. A confident discriminator would stop its generator for no
    mathematical reason.
    """


class Dropout(nn.Module):
    """Apply dropout (Srivastava et al., 2014) in a fraction of `nn.Dropout`'s time on a CPU (bench/blocks.py).

    Each 64-bit random integer is split into four 16-bit ones, so p is rounded to a multiple of 1 / 65536. Values are
    kept with probability 1 - p and divided by it; in `eval()` nothing changes.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        dropped = round(self.p * 65536)
        draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64, device=x.device)
        draws.random_(-(2**63), None)  # all 64 bits
        keep = draws.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - 32768
        # The factor has x's own type: a product of two types is slow, and the gradient needs one product only.
        return x * keep.to(x.dtype).mul_(65536 / (65536 - dropped))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def cross_entropy_of_pixels(logits: Tensor, images: Tensor) -> Tensor:
    """Return the binary cross entropy between images in [0, 1] and the sigmoid of `logits`, summed, in nats.

    It equals torch's `binary_cross_entropy_with_logits(..., reduction="sum")` and takes less than half of its time on a
    CPU (bench/blocks.py).
    """
    return _CrossEntropyOfPixels.apply(logits, images)


class _CrossEntropyOfPixels(torch.autograd.Function):
    """Compute $\\sum \\max(a, 0) - a x - \\log \\max(p, 1 - p)$ with $p = \\sigma(a)$, and its gradient $p - x$."""

    @staticmethod
    def forward(ctx, logits: Tensor, images: Tensor) -> Tensor:
        ink = logits.sigmoid()
        ctx.save_for_backward(ink, images)
        # The larger of p and 1 - p is never small, so its logarithm is as exact as float32 is near 1.
        softplus = logits.clamp_min(0).sub_(torch.maximum(ink, 1 - ink).log_())
        return softplus.addcmul_(logits, images, value=-1).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        ink, images = ctx.saved_tensors
        return (ink - images).mul_(gradient), None


def ink(images: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Draw binary images: a pixel is 1 with the probability of its grey level.

    Randomness comes from `rng`, a generator on the CPU, or from torch's global one, as in dropout.
    """
    uniform = torch.rand_like(images) if rng is None else torch.rand(images.shape, generator=rng).to(images.device)
    return (uniform < images).to(images.dtype)


def drawn(weights: Tensor, rng: torch.Generator) -> Tensor:
    """Draw an index from each distribution, (..., m) to (...); the weights need not sum to 1."""
    flat = weights.reshape(-1, weights.shape[-1]).cpu()
    return torch.multinomial(flat, 1, generator=rng).view(weights.shape[:-1]).to(weights.device)


def to_signed(images: Tensor) -> Tensor:
    """Map pixels from [0, 1] to [-1, 1], the range of tanh."""
    return images * 2 - 1


def to_unit(signed: Tensor) -> Tensor:
    """Map pixels from [-1, 1] to [0, 1], the inverse of `to_signed`."""
    return (signed + 1) / 2


def joined(vectors: Tensor, labels: Labels, classes: int) -> Tensor:
    """Concatenate vectors (n, d) with the one-hot vectors of their labels (n,) to (n, d + classes).

    torch's `one_hot` is not used because it reads the labels first, which makes a GPU wait.
    """
    one_hot = labels[:, None] == torch.arange(classes, device=labels.device)
    return torch.cat([vectors, one_hot.to(vectors.dtype)], dim=1)
