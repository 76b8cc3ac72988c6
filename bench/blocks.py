"""Our dropout and our cross entropy of pixels against torch's own, one thread, at the sizes of the paper's networks.

Run it as `PYTHONPATH=. python bench/blocks.py`.
"""

import json
import statistics
import time
from collections.abc import Callable

import torch
from end_to_end import ROOT, about
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from pipeline.models.common.blocks import Dropout, cross_entropy_of_pixels

PAIRS = 11


def milliseconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(20):
        job()
    return (time.perf_counter() - started) / 20 * 1000


def compare(theirs: Callable[[], object], ours: Callable[[], object]) -> dict[str, float]:
    """One after the other, `PAIRS` times."""
    pairs = [(milliseconds(theirs), milliseconds(ours)) for _ in range(PAIRS)]
    return {
        "torch's, ms": round(statistics.median(before for before, _ in pairs), 3),
        "ours, ms": round(statistics.median(after for _, after in pairs), 3),
        f"ratio (median of {PAIRS} pairs)": round(statistics.median(before / after for before, after in pairs), 2),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    hidden = torch.randn(512, 1024)  # 256 real and 256 fake images after the discriminator's first layer
    logits, pixels = 5 * torch.randn(100, 784, requires_grad=True), torch.rand(100, 784)  # a batch of the VAE
    measured = about("PYTHONPATH=. python bench/blocks.py") | {
        "dropout, forward": compare(lambda: nn.Dropout(0.3)(hidden), lambda: Dropout(0.3)(hidden)),
        "cross entropy of pixels, forward and backward": compare(
            lambda: torch.autograd.grad(binary_cross_entropy_with_logits(logits, pixels, reduction="sum"), logits),
            lambda: torch.autograd.grad(cross_entropy_of_pixels(logits, pixels), logits),
        ),
    }
    (ROOT / "bench" / "results" / "blocks.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
