"""Our dropout against `nn.Dropout` on the discriminator's widest layer, one thread.

Run it as `PYTHONPATH=. python bench/dropout.py`.
"""

import json
import statistics
import time

import torch
from end_to_end import ROOT, about
from torch import nn

from pipeline.blocks import Dropout


def milliseconds(module: nn.Module, x: torch.Tensor) -> float:
    started = time.perf_counter()
    for _ in range(20):
        module(x)
    return (time.perf_counter() - started) / 20 * 1000


if __name__ == "__main__":
    torch.set_num_threads(1)
    x = torch.randn(512, 1024)  # 256 real and 256 fake images after the first layer
    pairs = [(milliseconds(nn.Dropout(0.3), x), milliseconds(Dropout(0.3), x)) for _ in range(11)]
    measured = about("PYTHONPATH=. python bench/dropout.py") | {
        "nn.Dropout, ms": round(statistics.median(theirs for theirs, _ in pairs), 3),
        "ours, ms": round(statistics.median(ours for _, ours in pairs), 3),
        "ratio (median of 11 pairs)": round(statistics.median(theirs / ours for theirs, ours in pairs), 2),
    }
    (ROOT / "bench" / "results" / "dropout.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
