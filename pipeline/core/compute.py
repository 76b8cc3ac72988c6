"""Choose where and how precisely the arithmetic is done: device, precision, threads."""

import contextlib
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch

from pipeline.core.params import Compute

T = TypeVar("T")


@dataclass(frozen=True)
class Arithmetic:
    """Hold the device, the precision and the threads that `Compute` means on this machine."""

    device: torch.device
    precision: str  # bfloat16 | float32
    threads: int

    def autocast(self) -> contextlib.AbstractContextManager:
        """Return a context for matrix products in low precision, if that was chosen."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, torch.bfloat16)
        return contextlib.nullcontext()

    def objectives(self, batch: Iterator[T]) -> Iterator[T]:
        """Yield the objectives of a batch, each computed under the chosen precision.

        Autocast caches a network's weights in low precision until its context ends. Between two steps the weights
        change, so each objective has a context of its own.
        """
        while True:
            with self.autocast():
                objective = next(batch, None)
            if objective is None:
                return
            yield objective


def choose(wanted: Compute) -> Arithmetic:
    """Resolve `auto` and set torch up accordingly.

    Raises:
        ValueError: CUDA is asked for, but torch finds no CUDA device.
    """
    if wanted.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("compute.device is cuda, but torch finds no CUDA device here. Use auto or cpu.")
    cuda = torch.cuda.is_available() and wanted.device != "cpu"
    precision = wanted.precision
    if precision == "auto":
        precision = "bfloat16" if (gpu_has_bfloat16() if cuda else cpu_has_bfloat16()) else "float32"
    torch.set_num_threads(wanted.threads)
    torch.set_flush_denormal(True)  # arithmetic on denormals, as in vanishing gradients, is slow
    return Arithmetic(torch.device("cuda" if cuda else "cpu"), precision, wanted.threads)


def use_one_thread() -> None:
    """Let torch use one thread: with more, sums come in another order, and their last bits differ."""
    torch.set_num_threads(1)


def gpu_has_bfloat16() -> bool:
    """Return whether the GPU multiplies bfloat16 matrices in hardware (from Ampere on)."""
    return torch.cuda.is_bf16_supported(including_emulation=False)


def cpu_has_bfloat16() -> bool:
    """Return whether the CPU multiplies bfloat16 matrices in hardware (avx512_bf16 or amx)."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def device_name(device: torch.device) -> str:
    """Return the name of the device, as the report prints it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def peak_memory(device: torch.device) -> int:
    """Return the peak memory of this process so far, in bytes: that on the GPU, or else in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
