"""Our training loop against a textbook's (bench/textbook.py): images a second, side by side in one run.

Run it as `PYTHONPATH=. python bench/training.py`, on an otherwise idle machine, after `snakemake fetch`.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import textbook
import torch
from end_to_end import ROOT, about
from torch.utils.data import Subset

from pipeline import artifacts, compute, training
from pipeline.models.base import TrainedModel
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.params import Compute

IMAGES = 10_240  # 40 steps of the GAN, 103 of the VAE
REPEATS = 5
PRECISIONS = ["float32", *(["bfloat16"] if compute.cpu_has_bfloat16() else [])]
FAMILIES: dict[str, type[TrainedModel]] = {"gan": Gan, "vae": Vae}
TEXTBOOK: dict[str, Callable] = {"gan": textbook.train_gan, "vae": textbook.train_vae}


def ours(family: str, pixels: torch.Tensor, precision: str, threads: int, epochs: int = 1) -> TrainedModel:
    kind = FAMILIES[family]
    arithmetic = compute.choose(Compute.model_validate({"device": "cpu", "precision": precision, "threads": threads}))
    torch.manual_seed(0)
    model = kind(kind.Config.model_validate({"epochs": epochs}))
    training.train(model, pixels, arithmetic, 0, lambda progress: None)
    return model


def images_per_second(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return IMAGES / (time.perf_counter() - started)


def compare(family: str, threads: int, pixels: torch.Tensor, images: Subset) -> dict[str, dict[str, float]]:
    """The textbook's speed and ours in each precision, one after the other, `REPEATS` times after a warm-up."""
    measured: dict[str, list[float]] = {"textbook": [], **{precision: [] for precision in PRECISIONS}}
    for _ in range(REPEATS + 1):
        torch.set_num_threads(threads)
        measured["textbook"].append(images_per_second(lambda: TEXTBOOK[family](images, 1)))
        for precision in PRECISIONS:
            measured[precision].append(images_per_second(lambda p=precision: ours(family, pixels, p, threads)))
    found = {}
    for arm, speeds in measured.items():
        ratios = [speed / base for speed, base in zip(speeds[1:], measured["textbook"][1:], strict=True)]
        found[arm] = {
            "images a second": round(statistics.median(speeds[1:])),
            "ratio": round(statistics.median(ratios), 2),
        }
    return found


def losses(train: torch.Tensor, test: torch.Tensor, images: textbook.MNIST) -> dict[str, float]:
    """Of the VAE on the test images, in nats, after the paper's five epochs: the textbook's and ours."""
    torch.manual_seed(0)
    plain = textbook.train_vae(images, 5)
    with torch.no_grad():
        found = {"textbook": plain.loss(test.view(-1, 784) / 255).item() / len(test)}
    for precision in PRECISIONS:
        model = ours("vae", train, precision, 2, epochs=5)
        found[precision] = sum(training.evaluate(model, test).terms.values())
    return {name: round(value, 2) for name, value in found.items()}


ALONE = (
    "import sys; sys.path[:0] = ['.', 'bench']; from training import *; ours('gan', dataset()[0][:IMAGES], 'auto', 1)"
)


def side_by_side() -> dict[str, float]:
    """Two trainings of one thread each in two processes: at once, against one after the other. With the imports."""
    command = [sys.executable, "-c", ALONE]
    found: dict[str, list[float]] = {}
    for _ in range(3):
        for name, at_once in (("one after the other", False), ("at once", True)):
            before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            running = []
            for _ in range(2):
                running.append(subprocess.Popen(command, cwd=ROOT))
                if not at_once:
                    running[-1].wait()
            assert [process.wait() for process in running] == [0, 0]
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found.setdefault(f"{name}, CPU seconds", []).append(used)
            found.setdefault(f"{name}, seconds", []).append(time.perf_counter() - started)
    medians = {name: round(statistics.median(values), 2) for name, values in found.items()}
    ratio = medians["at once, CPU seconds"] / medians["one after the other, CPU seconds"]
    return medians | {"CPU seconds at once / one after the other": round(ratio, 2)}


def dataset() -> tuple[torch.Tensor, torch.Tensor]:
    """All training and all test pixels."""
    data = artifacts.read_dataset(ROOT / "data" / "images.npz")
    return torch.from_numpy(data.train_images), torch.from_numpy(data.test_images)


if __name__ == "__main__":
    train, test = dataset()
    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/training.py"))
    with tempfile.TemporaryDirectory() as temporary:
        idx_files = ROOT / "data" / "raw" / "mnist"
        for family in FAMILIES:
            images = textbook.mnist(idx_files, Path(temporary), signed=family == "gan")
            for threads in (1, 2):
                found = compare(family, threads, train[:IMAGES], Subset(images, range(IMAGES)))
                measured[f"{family}, {threads} thread{'s' * (threads > 1)}"] = found
                print(family, threads, found, file=sys.stderr)
        measured["VAE's test loss after five epochs, nats"] = losses(train, test, images)
    measured["two trainings"] = side_by_side()
    (ROOT / "bench" / "results" / "training.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
