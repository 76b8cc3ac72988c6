"""Does bfloat16 change what the comparison says? Both models in both precisions, over several seeds.

Run it as `PYTHONPATH=. python bench/precision.py`, after `snakemake train_classifier`; it takes a quarter of an
hour. The GAN has the rates of the preset laptop, six epochs and no average; the VAE is the paper's.
"""

import json
import statistics
import sys

import numpy as np
import torch
from alarms import LAPTOP
from end_to_end import ROOT, about

from pipeline.core import compute
from pipeline.core.params import Compute
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import read_classifier
from pipeline.metrics.sharpness import laplacian_variance
from pipeline.models.base import TrainedModel
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages.label import label
from pipeline.training import loop

ARMS: dict[str, tuple[type[TrainedModel], dict, int]] = {  # family, settings, seeds
    "gan": (Gan, {**LAPTOP, "epochs": 6, "ema": 0.0}, 3),
    "vae": (Vae, {}, 8),
}
SAMPLES = 5000


def scores(kind: type[TrainedModel], settings: dict, precision: str, seed: int) -> dict[str, float]:
    """What the comparison shows of a model, and its objective on the test images."""
    arithmetic = compute.choose(Compute.model_validate({"device": "cpu", "precision": precision, "threads": 1}))
    torch.manual_seed(seed)
    model = kind(kind.Config.model_validate(settings))
    loop.train(model, TRAIN, arithmetic, seed, lambda progress: None)
    pixels = as_pixels(model.sample(SAMPLES, torch.Generator().manual_seed(seed)))
    labels = label(CLASSIFIER, pixels)
    return {
        "test objective, nats": sum(loop.evaluate(model, TEST).losses.values()),
        "sharpness, of real": float(laplacian_variance(pixels.numpy()).mean() / REAL_SHARPNESS),
        "confidence": float(labels["confidence"].mean()),
        "ambiguous": float((labels["confidence"] < 0.9).mean()),
        "most frequent label": float(np.bincount(labels["label"]).max() / SAMPLES),
    }


if __name__ == "__main__":
    data = read_dataset(ROOT / "data" / "images.npz")
    TRAIN, TEST = torch.from_numpy(data.train_images), torch.from_numpy(data.test_images)
    REAL_SHARPNESS = laplacian_variance(data.test_images).mean()
    CLASSIFIER = read_classifier(ROOT / "checkpoints" / "classifier.safetensors")

    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/precision.py"))
    found: dict[str, dict[str, dict[str, list[float]]]] = {}
    for name, (kind, settings, seeds) in ARMS.items():
        for precision in ("float32", "bfloat16"):
            for seed in range(seeds):
                for score, value in scores(kind, settings, precision, seed).items():
                    found.setdefault(score, {}).setdefault(name, {}).setdefault(precision, []).append(value)
                print(name, precision, seed, file=sys.stderr)
    for score, models in found.items():
        measured[score] = {
            name: {
                precision: {
                    "mean": round(statistics.mean(values), 4),
                    "between seeds, sd": round(statistics.stdev(values), 4),
                    "seeds": len(values),
                }
                for precision, values in precisions.items()
            }
            for name, precisions in models.items()
        }
    (ROOT / "bench" / "results" / "precision.json").write_text(json.dumps(measured, indent=2) + "\n")
    print(json.dumps(measured, indent=2))
