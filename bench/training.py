"""Our training loop against a textbook's (bench/textbook.py): images a second, side by side in one run.

The loop is timed without its monitor, whose share of the time is a figure of its own.

Run it as `PYTHONPATH=. python bench/training.py`, on an otherwise idle machine, after `snakemake fetch`.
"""

import contextlib
import functools
import itertools
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import textbook
import torch
from end_to_end import ROOT, about
from torch.utils.data import Subset

from pipeline.core import compute
from pipeline.core.params import Compute
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import Classifier, Ensemble
from pipeline.models.base import TrainedModel
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages.label import label
from pipeline.training import loop
from pipeline.training.monitor import Monitor

IMAGES = 10_240  # 40 steps of the GAN, 103 of the VAE
REPEATS = 5
PRECISIONS = ["float32", *(["bfloat16"] if compute.cpu_has_bfloat16() else [])]
FAMILIES: dict[str, type[TrainedModel]] = {"gan": Gan, "vae": Vae}
TEXTBOOK: dict[str, Callable] = {"gan": textbook.train_gan, "vae": textbook.train_vae}


def ours(
    family: str,
    pixels: torch.Tensor,
    precision: str,
    threads: int,
    epochs: int = 1,
    watched: bool = False,
    seed: int = 0,
) -> tuple[TrainedModel, loop.History]:
    kind = FAMILIES[family]
    arithmetic = compute.choose(Compute.model_validate({"device": "cpu", "precision": precision, "threads": threads}))
    torch.manual_seed(seed)
    model = kind(kind.Config.model_validate({"epochs": epochs}))
    monitor = Monitor(model, pixels, arithmetic) if watched else None
    return model, loop.train(model, pixels, arithmetic, seed, lambda progress: None, monitor=monitor)


def speed(family: str, arm: str, threads: int, temporary: Path) -> float:
    """Images a second of one epoch."""
    if arm == "textbook":
        torch.set_num_threads(threads)
        images = Subset(mnist_of(family, temporary), range(IMAGES))
    pixels = dataset()[0][:IMAGES]
    started = time.perf_counter()
    if arm == "textbook":
        TEXTBOOK[family](images, 1)
    else:
        ours(family, pixels, arm, threads)
    return IMAGES / (time.perf_counter() - started)


def compare(family: str, threads: int, temporary: Path) -> dict[str, dict[str, float]]:
    """The textbook's speed and ours in each precision, one after the other, `REPEATS` times after a warm-up.

    Each arm has a process of its own, as a training has: what one leaves of the heap slows the next.
    """
    measured: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        start = multiprocessing.get_context("spawn").Pool
        processes = {arm: stack.enter_context(start(1)) for arm in ("textbook", *PRECISIONS)}
        for _ in range(REPEATS + 1):
            for arm, process in processes.items():
                measured.setdefault(arm, []).append(process.apply(speed, (family, arm, threads, temporary)))
    found = {}
    for arm, speeds in measured.items():
        ratios = [speed / base for speed, base in zip(speeds[1:], measured["textbook"][1:], strict=True)]
        found[arm] = {
            "images a second": round(statistics.median(speeds[1:])),
            "ratio": round(statistics.median(ratios), 2),
        }
        if arm in PRECISIONS:
            batch = FAMILIES[family].Config().batch_size
            step = batch / statistics.median(speeds[1:])
            found[arm]["share of a step that its matrix products take alone"] = round(
                products(family, batch, getattr(torch, arm)) / step, 2
            )
    return found


def products(family: str, batch: int, precision: torch.dtype) -> float:
    """Seconds that the matrix products of one step take, with all operands at hand in `precision`."""
    torch.manual_seed(0)
    pairs = [
        (torch.randn(rows, inner).to(precision), torch.randn(inner, columns).to(precision))
        for rows, inner, columns in (gan_products(batch) if family == "gan" else vae_products(batch))
    ]
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        for a, b in pairs:
            a @ b
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[5:])


Sizes = Iterator[tuple[int, int, int]]
GENERATOR, DISCRIMINATOR = (128, 256, 512, 1024, 784), (784, 1024, 512, 256, 1)
ENCODER, DECODER = (784, 512, 256, 4), (2, 256, 512, 784)


def forward(widths: tuple[int, ...], batch: int) -> Sizes:
    for width, after in itertools.pairwise(widths):
        yield batch, width, after


def backward(widths: tuple[int, ...], batch: int, weights: bool, images: bool) -> Sizes:
    """The gradients of the inputs of all layers, the first one's if `images`; of the weights too if `weights`."""
    for layer, (width, after) in enumerate(itertools.pairwise(widths)):
        if layer or images:
            yield batch, after, width
        if weights:
            yield after, batch, width


def gan_products(batch: int) -> Sizes:
    yield from forward(GENERATOR, batch)
    yield from forward(DISCRIMINATOR, 2 * batch)
    yield from backward(DISCRIMINATOR, 2 * batch, weights=True, images=False)
    yield from forward(GENERATOR, batch)
    yield from forward(DISCRIMINATOR, batch)
    yield from backward(DISCRIMINATOR, batch, weights=False, images=True)
    yield from backward(GENERATOR, batch, weights=True, images=False)


def vae_products(batch: int) -> Sizes:
    yield from forward(ENCODER, batch)
    yield from forward(DECODER, batch)
    yield from backward(DECODER, batch, weights=True, images=True)
    yield from backward(ENCODER, batch, weights=True, images=False)


def vae_losses(train: torch.Tensor, test: torch.Tensor, images: textbook.MNIST) -> dict[str, float]:
    """On the test images, in nats, after the paper's five epochs; all three scored by the same code."""
    torch.manual_seed(0)
    torch.set_flush_denormal(False)
    plain, scored = textbook.train_vae(images, 5), Vae(Vae.Config())
    scored.load_state_dict(dict(zip(scored.state_dict(), plain.state_dict().values(), strict=True)))
    models = {"textbook": scored, **{precision: ours("vae", train, precision, 2, 5)[0] for precision in PRECISIONS}}
    return {arm: round(sum(loop.evaluate(model, test).losses.values()), 2) for arm, model in models.items()}


def gan_losses(train: torch.Tensor, images: textbook.MNIST) -> dict[str, list[float]]:
    """The discriminator's, in nats, mean over the second epoch, of three seeds: it depends much on the seed."""
    found: dict[str, list[float]] = {}
    for seed in range(3):
        torch.manual_seed(seed)
        torch.set_flush_denormal(False)
        steps = [loss for loss, _ in textbook.train_gan(images, 2)]
        found.setdefault("textbook", []).append(second_half(steps))
        for precision in PRECISIONS:
            _, history = ours("gan", train, precision, 2, 2, seed=seed)
            columns = [history.columns.index(term) for term in ("real_loss", "fake_loss")]
            steps = [sum(row[column] for column in columns) for row in history.rows]
            found.setdefault(precision, []).append(second_half(steps))
    return found


def second_half(values: list[float]) -> float:
    return round(statistics.mean(values[len(values) // 2 :]), 3)


def cost_of_watching(family: str, pixels: torch.Tensor) -> float:
    """The monitor's share of the training time, median of pairs; an epoch of 60,000 images has five checks."""
    shares = []
    for _ in range(REPEATS):
        seconds = [ours(family, pixels, "auto", 1, watched=watched)[1].seconds for watched in (False, True)]
        shares.append(seconds[1] / seconds[0] - 1)
    return round(statistics.median(shares), 3)


def sampled_and_labelled(family: str) -> dict[str, float]:
    """Seconds for 10,000 images beyond the import, on two threads."""
    compute.choose(Compute(device="cpu", precision="auto", threads=2))
    model, classifier = FAMILIES[family](FAMILIES[family].Config()).eval(), Ensemble(Classifier(10) for _ in range(3))
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        rng = torch.Generator().manual_seed(0)
        pixels = torch.cat([as_pixels(model.sample(1000, rng)) for _ in range(10)])
        label(classifier, pixels)
        seconds.append(time.perf_counter() - started)
    return {"seconds": round(statistics.median(seconds), 2)}


ALONE = """
import sys, time; sys.path[:0] = ['.', 'bench']; from training import *
pixels = dataset()[0][:IMAGES]; ours('gan', pixels[:512], 'auto', 1); started = time.process_time()
ours('gan', pixels, 'auto', 1, epochs=2); print(time.process_time() - started)
"""


def side_by_side() -> dict[str, float]:
    """CPU seconds of two trainings of one thread each in two processes, without their imports."""
    found: dict[str, list[float]] = {"one after the other": [], "at once": []}
    for _ in range(3):
        for name, seconds in found.items():
            running, said = [], []
            for _ in range(2):
                running.append(subprocess.Popen([sys.executable, "-c", ALONE], cwd=ROOT, stdout=subprocess.PIPE))
                if name == "one after the other":
                    said.append(running[-1].communicate()[0])
            said = said or [process.communicate()[0] for process in running]
            seconds.append(sum(map(float, said)))
    medians = {name: round(statistics.median(seconds), 2) for name, seconds in found.items()}
    return medians | {"ratio": round(medians["at once"] / medians["one after the other"], 2)}


@functools.cache
def mnist_of(family: str, temporary: Path) -> textbook.MNIST:
    """The data set as the textbook loads it."""
    return textbook.mnist(ROOT / "data" / "raw" / "mnist", temporary, signed=family == "gan")


@functools.cache
def dataset() -> tuple[torch.Tensor, torch.Tensor]:
    """All training and all test pixels."""
    data = read_dataset(ROOT / "data" / "images.npz")
    return torch.from_numpy(data.train_images), torch.from_numpy(data.test_images)


if __name__ == "__main__":
    train, test = dataset()
    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/training.py"))
    with tempfile.TemporaryDirectory() as temporary:
        for family in FAMILIES:
            images = mnist_of(family, Path(temporary))
            for threads in (1, 2):
                found = compare(family, threads, Path(temporary))
                measured[f"{family}, {threads} thread{'s' * (threads > 1)}"] = found
                print(family, threads, found, file=sys.stderr)
            key = f"{family}: loss, nats"
            measured[key] = gan_losses(train, images) if family == "gan" else vae_losses(train, test, images)
            measured[f"{family}: share of the time that watching takes"] = cost_of_watching(family, train)
            measured[f"{family}: sampling and labelling 10,000 images"] = sampled_and_labelled(family)
    measured["two trainings at once, CPU seconds"] = side_by_side()
    (ROOT / "bench" / "results" / "training.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
