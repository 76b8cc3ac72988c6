"""The paper's whole trainings on a GPU: steps recorded or launched from Python, watched or not, eight at once.

Run it on a GPU as `PYTHONPATH=. python bench/gpu.py`, after `snakemake fetch`.
"""

import functools
import json
import multiprocessing
import sys
import time
from multiprocessing.synchronize import Barrier

import torch
from end_to_end import ROOT, about
from training import FAMILIES

from pipeline.core import compute
from pipeline.core.params import Compute
from pipeline.data.dataset_file import read_dataset
from pipeline.training import loop
from pipeline.training.cuda_graphs import Cuda
from pipeline.training.monitor import Monitor

AT_ONCE = 8
FEW = 3  # epochs: to warm up, and of what is launched from Python


def trained(
    family: str, epochs: int, recorded: bool = True, watched: bool = False, seed: int = 0, start: Barrier | None = None
) -> tuple[float, list[list[float]]]:
    """Seconds of a training, without imports and data, and what its steps logged."""
    kind, arithmetic = FAMILIES[family], compute.choose(Compute(device="auto", precision="auto", threads=1))
    pixels = images().to(arithmetic.device)
    torch.manual_seed(seed)
    model = kind(kind.Config.model_validate({"epochs": epochs})).to(arithmetic.device)
    monitor = Monitor(model, pixels, arithmetic) if watched else None
    recorder = Cuda(lambda sentence: print(sentence, file=sys.stderr)) if recorded else None
    if start:
        start.wait()
    started = time.perf_counter()
    history = loop.train(model, pixels, arithmetic, seed, lambda progress: None, None, monitor, None, recorder)
    return time.perf_counter() - started, history.rows  # its last look at the losses waits for the device


def in_company(family: str, epochs: int, seed: int, start: Barrier, ended: "multiprocessing.Queue[float]") -> None:
    trained(family, FEW, seed=seed)
    ended.put(trained(family, epochs, seed=seed, start=start)[0])


def at_once(family: str, epochs: int, count: int) -> float:
    """Seconds until the last of so many processes ends its training."""
    spawn = multiprocessing.get_context("spawn")
    start, ended = spawn.Barrier(count), spawn.Queue()
    for seed in range(count):
        spawn.Process(target=in_company, args=(family, epochs, seed, start, ended)).start()
    return max(ended.get() for _ in range(count))


@functools.cache
def images() -> torch.Tensor:
    return torch.from_numpy(read_dataset(ROOT / "data" / "images.npz").train_images)


def compare(family: str, epochs: int) -> dict[str, float]:
    trained(family, FEW)
    (launched, plain), (few, replayed) = trained(family, FEW, recorded=False), trained(family, FEW)
    alone, watched = trained(family, epochs)[0], trained(family, epochs, watched=True)[0]
    company = at_once(family, epochs, AT_ONCE) / at_once(family, epochs, 1)
    return {
        "whole training, seconds": round(alone, 2),
        "whole training, watched, seconds": round(watched, 2),
        f"{FEW} epochs launched from Python, seconds": round(launched, 2),
        f"{FEW} epochs recorded, seconds": round(few, 2),
        "ratio": round(launched / few, 2),
        "largest difference of what a step logs": float((torch.tensor(plain) - torch.tensor(replayed)).abs().max()),
        f"{AT_ONCE} trainings in as many processes at once, in times of one": round(company, 2),
    }


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("bench/gpu.py measures on a GPU: expected a CUDA device, found none.")
    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/gpu.py"), gpu=torch.cuda.get_device_name())
    for family, kind in FAMILIES.items():
        measured[family] = compare(family, kind(kind.Config()).config.epochs)
    (ROOT / "bench" / "results" / "gpu.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
