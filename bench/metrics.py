"""The metrics' cost: one draw of 10,000 samples through all of them, and a part of them against public libraries.

Both sides get the same 10,000 features of test images and of blurred training images; the libraries are asked for each
metric that they have, in the way their manuals show. One thread on each side, in processes of their own, so that peak
memory is each one's.

Run it as `PYTHONPATH=. python bench/metrics.py`, on an otherwise idle machine, after a run of the pipeline: it needs
data/images.npz, checkpoints/classifier.safetensors, results/reference.npz and the samples of the baselines.
"""

import json
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from end_to_end import ROOT, about
from threadpoolctl import threadpool_limits

from pipeline.core import artifacts
from pipeline.core.params import Samples
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import read_classifier
from pipeline.evaluation.features import RandomNetwork, features_of, networks
from pipeline.evaluation.nearest import nearest_images
from pipeline.evaluation.reference import from_arrays, vectors
from pipeline.evaluation.scores import evaluate
from pipeline.metrics import frechet, kernel, neighbours, two_sample
from pipeline.stages.label import label
from pipeline.stages.measure import draws

REPEATS = 3
SAMPLES = ROOT / "results" / "samples" / "blurred" / "0.npz"

Sets = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def sets() -> Sets:
    """Features of test images and of samples, the samples and the training images."""
    data, samples = read_dataset(ROOT / "data" / "images.npz"), artifacts.read_arrays(SAMPLES)["images"]
    real, fake = (features_of(RandomNetwork(1), torch.from_numpy(pixels)) for pixels in (data.test_images, samples))
    return real, fake, samples, data.train_images


def ours(real: np.ndarray, fake: np.ndarray, samples: np.ndarray, train: np.ndarray) -> dict[str, Callable]:
    def balls() -> None:
        found = neighbours.neighbourhoods(real, fake)
        for score in (neighbours.precision, neighbours.recall, neighbours.density, neighbours.coverage):
            score(found)
        two_sample.one_nearest_neighbour(found)

    return {
        "Fréchet distance": lambda: frechet.frechet_distance(frechet.moments(real), frechet.moments(fake)),
        "kernel distance": lambda: kernel.kernel_distance(*kernel.standardised(real, fake)),
        "precision, recall, density, coverage, nearest-neighbour test": balls,
        "nearest training image": lambda: nearest_images(samples, train),
    }


def libraries(real: np.ndarray, fake: np.ndarray, samples: np.ndarray, train: np.ndarray) -> dict[str, Callable]:
    from prdc import compute_prdc
    from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = torch.from_numpy(real), torch.from_numpy(fake)

    def balls() -> None:
        compute_prdc(real, fake, nearest_k=5)
        both, sides = np.concatenate([real, fake]), np.repeat([0, 1], [len(real), len(fake)])
        near = KNeighborsClassifier(1).fit(both, sides).kneighbors(return_distance=False)[:, 0]  # each left out
        (sides[near] == sides).mean()

    return {
        "Fréchet distance": lambda: fid_statistics_to_metric(
            fid_features_to_statistics(x), fid_features_to_statistics(y), verbose=False
        ),
        "kernel distance": lambda: kid_features_to_metric(x, y, verbose=False),
        "precision, recall, density, coverage, nearest-neighbour test": balls,
        "nearest training image": lambda: (
            NearestNeighbors(n_neighbors=1).fit(vectors(train)).kneighbors(vectors(samples))
        ),
    }


def timed(side: str) -> dict[str, object]:
    """Median seconds of each part, and the peak memory, of one side."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        seconds: dict[str, list[float]] = {}
        jobs = {"ours": ours, "libraries": libraries}[side](*sets())
        for _ in range(REPEATS):
            for name, job in jobs.items():
                started = time.perf_counter()
                job()
                seconds.setdefault(name, []).append(time.perf_counter() - started)
    return {name: round(statistics.median(found), 2) for name, found in seconds.items()} | {"peak GiB": peak()}


def whole(_: str) -> dict[str, object]:
    """All scores of one draw, features and labels included, as the stage `measure` computes them."""
    torch.set_num_threads(1)
    data = read_dataset(ROOT / "data" / "images.npz")
    reference = from_arrays(artifacts.read_arrays(ROOT / "results" / "reference.npz"))
    classifier = read_classifier(ROOT / "checkpoints" / "classifier.safetensors")
    images = torch.from_numpy(artifacts.read_arrays(SAMPLES)["images"][:10_000])
    with threadpool_limits(1):
        started = time.perf_counter()
        spaces, config = networks(classifier, len(reference.features) - 1), Samples(count=len(images), draws=1)
        (draw,) = draws(images.numpy(), label(classifier, images), spaces, data, reference, config, are_test=False)
        rows, _ = evaluate(draw, data, reference, 0.9, print)
        seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 1), "peak GiB": peak(), "scores": len(rows), "feature spaces": len(spaces)}


def peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def alone(job: Callable[[str], dict], argument: str) -> dict:
    """What a job returns from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(job, (argument,))


if __name__ == "__main__":
    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/metrics.py"))
    measured["one draw of 10,000, all metrics, one thread"] = alone(whole, "")
    both = {side: alone(timed, side) for side in ("ours", "libraries")}
    sums = {side: sum(value for name, value in found.items() if name != "peak GiB") for side, found in both.items()}
    measured["the same parts, seconds"] = both | {"ratio": round(sums["libraries"] / sums["ours"], 2)}
    (ROOT / "bench" / "results" / "metrics.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
