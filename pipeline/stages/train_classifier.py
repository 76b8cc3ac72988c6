"""Train the label predictor, calibrate it, and measure how far it can be trusted."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pipeline import artifacts, compute
from pipeline.classifier import Ensemble, Progress, logits_of, opinions, parts, train_ensemble
from pipeline.metrics.calibration import adaptive_calibration_error, calibration_error, confusion, reliability
from pipeline.metrics.conformal import ALPHAS, prediction_sets, scores, threshold
from pipeline.metrics.proportions import wilson
from pipeline.params import Classifier as Config
from pipeline.params import Compute
from pipeline.shapes import Labels, Pixels
from pipeline.stages import run, settings


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="train_classifier", description=__doc__)
    cli.add_argument("--config", type=settings(Config, "classifier"), required=True)
    cli.add_argument("--compute", type=settings(Compute, "compute"), required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--checkpoint", type=Path, required=True)
    cli.add_argument("--summary", type=Path, required=True)
    cli.add_argument("--confusion", type=Path, required=True)
    cli.add_argument("--reliability", type=Path, required=True)
    cli.add_argument("--history", type=Path, required=True)
    args = cli.parse_args(argv)

    data = artifacts.read_dataset(args.dataset)
    classes = len(data.class_names)
    arithmetic = compute.choose(args.compute)
    history: list[Progress] = []

    def tell(progress: Progress) -> None:
        history.append(progress)
        print(
            f"classifier {progress.member + 1}/{args.config.members}: epoch {progress.epoch}/{args.config.epochs}"
            f" · {progress.images_per_second:,.0f} images/s"
            f" · loss {progress.loss:.3f} · held-out accuracy {progress.accuracy:.2%}",
            flush=True,
        )

    started = time.perf_counter()
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    labels = torch.from_numpy(data.train_labels).to(arithmetic.device)
    classifier = train_ensemble(classes, pixels, labels, args.config, arithmetic, tell)
    set_thresholds(classifier, pixels, labels)
    seconds = time.perf_counter() - started

    # The test images take no part in anything above.
    each = opinions(classifier, torch.from_numpy(data.test_images).to(arithmetic.device))
    logits = classifier.together(each).cpu()
    raw = (logits * classifier.temperature.cpu()).softmax(1).max(1).values.numpy()
    probabilities = logits.softmax(1).numpy()
    confidence, predicted = probabilities.max(1), probabilities.argmax(1)
    correct = predicted == data.test_labels
    members_correct = each.argmax(2).cpu().numpy() == data.test_labels
    lower, upper = wilson(int(correct.sum()), len(correct))

    shape = {"classes": str(classes), "members": str(args.config.members)}
    about = {**shape, "precision": arithmetic.precision, "threads": str(arithmetic.threads)}
    artifacts.write_weights(args.checkpoint, classifier.state_dict(), about)
    artifacts.write_json(
        args.summary,
        {
            "accuracy": float(correct.mean()),
            "accuracy_lower": lower,
            "accuracy_upper": upper,
            "test_images": len(correct),
            "members": args.config.members,
            "member_accuracy": members_correct.mean(axis=1).tolist(),
            "temperature": classifier.temperature.item(),
            "calibration_error": calibration_error(confidence, correct),
            "calibration_error_before": calibration_error(raw, correct),
            "adaptive_calibration_error": adaptive_calibration_error(confidence, correct),
            "conformal": conformal(probabilities, data.test_labels, classifier.thresholds.tolist()),
            "parameters": sum(p.numel() for p in classifier.parameters()),
            "epochs": args.config.epochs,
            "seconds": round(seconds, 2),
            "device": compute.name(arithmetic.device),
            "precision": arithmetic.precision,
            "threads": arithmetic.threads,
            "class_names": data.class_names,
            "train_images": len(pixels) - len(pixels) // 6,
            "calibration_images": len(pixels) // 6,
        },
    )
    artifacts.write_table(args.confusion, pd.DataFrame(confusion(data.test_labels, predicted, classes)))
    artifacts.write_table(args.reliability, pd.DataFrame(reliability(confidence, correct)))
    artifacts.write_table(
        args.history,
        pd.DataFrame([{"member": p.member, "epoch": p.epoch, "loss": p.loss, "accuracy": p.accuracy} for p in history]),
    )


def set_thresholds(classifier: Ensemble, pixels: Pixels, labels: Labels) -> None:
    """Choose the thresholds of the conformal sets on the images of the training set that are kept for them."""
    _, _, judging = parts(len(pixels))
    probabilities = logits_of(classifier, pixels[judging]).softmax(1).cpu().numpy()
    found = scores(probabilities, labels[judging].cpu().numpy())
    classifier.thresholds.copy_(torch.tensor([threshold(found, alpha) for alpha in ALPHAS], dtype=torch.float64))


def conformal(probabilities: np.ndarray, true: np.ndarray, thresholds: Sequence[float]) -> list[dict[str, float]]:
    """What the sets do on images that they were not made from: coverage and the shares of empty and of larger sets."""
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
