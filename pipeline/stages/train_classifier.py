"""Train the classifier, calibrate it, and measure its accuracy and calibration."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline.core import artifacts
from pipeline.core.compute import choose, device_name
from pipeline.core.params import Classifier as Config
from pipeline.core.params import Compute
from pipeline.core.shapes import Labels, Pixels
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import Ensemble, Progress, logits_of, opinions, parts, train_ensemble
from pipeline.metrics.calibration import adaptive_calibration_error, calibration_error, confusion, reliability
from pipeline.metrics.conformal import ALPHAS, prediction_sets, scores, threshold
from pipeline.metrics.proportions import wilson
from pipeline.stages.cli import run


def main(
    *,
    classifier: Config,
    compute: Compute,
    dataset_file: Path,
    checkpoint_file: Path,
    summary_file: Path,
    confusion_file: Path,
    reliability_file: Path,
    history_file: Path,
) -> None:
    """Write the classifier, and how it performs on the test images.

    Args:
        classifier: the section of params.yaml, as JSON.
        compute: the section of params.yaml, as JSON.
        dataset_file: the data set.
        checkpoint_file: to write: weights, temperature and conformal thresholds.
        summary_file: to write: accuracy, calibration errors, conformal coverage, and how it was trained.
        confusion_file: to write: true and predicted classes of the test images.
        reliability_file: to write: accuracy in bins of confidence.
        history_file: to write: loss and accuracy of each member in each epoch.
    """
    data = read_dataset(dataset_file)
    classes = len(data.class_names)
    arithmetic = choose(compute)
    history: list[Progress] = []

    def tell(progress: Progress) -> None:
        history.append(progress)
        print(
            f"classifier {progress.member + 1}/{classifier.members}: epoch {progress.epoch}/{classifier.epochs}"
            f" · {progress.images_per_second:,.0f} images/s"
            f" · loss {progress.loss:.3f} · held-out accuracy {progress.accuracy:.2%}",
            flush=True,
        )

    started = time.perf_counter()
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    labels = torch.from_numpy(data.train_labels).to(arithmetic.device)
    ensemble = train_ensemble(classes, pixels, labels, classifier, arithmetic, tell)
    set_thresholds(ensemble, pixels, labels)
    seconds = time.perf_counter() - started

    # The test images are not used in anything above.
    each = opinions(ensemble, torch.from_numpy(data.test_images).to(arithmetic.device))
    logits = ensemble.together(each).cpu()
    raw = (logits * ensemble.temperature.cpu()).softmax(1).max(1).values.numpy()
    probabilities = logits.softmax(1).numpy()
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    correct = predicted == data.test_labels
    members_correct = each.argmax(2).cpu().numpy() == data.test_labels
    lower, upper = wilson(int(correct.sum()), len(correct))

    shape = {"classes": str(classes), "members": str(classifier.members)}
    about = {**shape, "precision": arithmetic.precision, "threads": str(arithmetic.threads)}
    artifacts.write_weights(checkpoint_file, ensemble.state_dict(), about)
    artifacts.write_json(
        summary_file,
        {
            "accuracy": float(correct.mean()),
            "accuracy_lower": lower,
            "accuracy_upper": upper,
            "test_images": len(correct),
            "members": classifier.members,
            "member_accuracy": members_correct.mean(axis=1).tolist(),
            "temperature": ensemble.temperature.item(),
            "calibration_error": calibration_error(confidence, correct),
            "calibration_error_before": calibration_error(raw, correct),
            "adaptive_calibration_error": adaptive_calibration_error(confidence, correct),
            "conformal": conformal(probabilities, data.test_labels, ensemble.thresholds.tolist()),
            "parameters": sum(p.numel() for p in ensemble.parameters()),
            "epochs": classifier.epochs,
            "seconds": round(seconds, 2),
            "device": device_name(arithmetic.device),
            "precision": arithmetic.precision,
            "threads": arithmetic.threads,
            "class_names": data.class_names,
            "train_images": len(pixels) - len(pixels) // 6,
            "calibration_images": len(pixels) // 6,
        },
    )
    artifacts.write_table(confusion_file, pd.DataFrame(confusion(data.test_labels, predicted, classes)))
    artifacts.write_table(reliability_file, pd.DataFrame(reliability(confidence, correct)))
    artifacts.write_table(
        history_file,
        pd.DataFrame([{"member": p.member, "epoch": p.epoch, "loss": p.loss, "accuracy": p.accuracy} for p in history]),
    )


def set_thresholds(classifier: Ensemble, pixels: Pixels, labels: Labels) -> None:
    """Set the thresholds of the conformal sets from the training images that are held out for them."""
    _, _, judging = parts(len(pixels))
    probabilities = logits_of(classifier, pixels[judging]).softmax(1).cpu().numpy()
    found = scores(probabilities, labels[judging].cpu().numpy())
    classifier.thresholds.copy_(torch.tensor([threshold(found, alpha) for alpha in ALPHAS], dtype=torch.float64))


def conformal(probabilities: np.ndarray, true: np.ndarray, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """Return the coverage of the conformal sets on held-out images, and the shares of empty and of larger sets."""
    found = []
    for alpha, q in zip(ALPHAS, thresholds, strict=True):
        sets = prediction_sets(probabilities, q)
        labels = sets.sum(axis=1)
        found.append({
            "alpha": alpha,
            "threshold": q,
            "coverage": float(sets[np.arange(len(true)), true].mean()),
            "empty": float((labels == 0).mean()),
            "several": float((labels > 1).mean()),
        })  # fmt: skip
    return found


if __name__ == "__main__":
    run(main)
