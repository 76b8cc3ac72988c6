"""Train the label predictor, calibrate it, and measure how far it can be trusted."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from pipeline import artifacts, compute
from pipeline.classifier import Classifier, Progress, logits_of, train
from pipeline.metrics.calibration import calibration_error, confusion, reliability
from pipeline.metrics.proportions import wilson
from pipeline.params import Classifier as Config
from pipeline.params import Compute
from pipeline.stages import run, settings

SEED = 0


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
    torch.manual_seed(SEED)
    classifier = Classifier(classes).to(arithmetic.device)
    history: list[Progress] = []

    def tell(progress: Progress) -> None:
        history.append(progress)
        print(
            f"classifier: epoch {progress.epoch}/{args.config.epochs}"
            f" · {progress.images_per_second:,.0f} images/s"
            f" · loss {progress.loss:.3f} · held-out accuracy {progress.accuracy:.2%}",
            flush=True,
        )

    started = time.perf_counter()
    pixels = torch.from_numpy(data.train_images).to(arithmetic.device)
    labels = torch.from_numpy(data.train_labels).to(arithmetic.device)
    train(classifier, pixels, labels, args.config, arithmetic, SEED, tell)
    seconds = time.perf_counter() - started

    # The test images take no part in anything above.
    logits = logits_of(classifier, torch.from_numpy(data.test_images).to(arithmetic.device)).cpu()
    raw = (logits * classifier.temperature.cpu()).softmax(1).max(1).values.numpy()
    confidence, predicted = (part.numpy() for part in logits.softmax(1).max(1))
    correct = predicted == data.test_labels
    lower, upper = wilson(int(correct.sum()), len(correct))

    about = {"classes": str(classes), "precision": arithmetic.precision, "threads": str(arithmetic.threads)}
    artifacts.write_weights(args.checkpoint, classifier.state_dict(), about)
    artifacts.write_json(
        args.summary,
        {
            "accuracy": float(correct.mean()),
            "accuracy_lower": lower,
            "accuracy_upper": upper,
            "test_images": len(correct),
            "temperature": classifier.temperature.item(),
            "calibration_error": calibration_error(confidence, correct),
            "calibration_error_before": calibration_error(raw, correct),
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
        pd.DataFrame([{"epoch": p.epoch, "loss": p.loss, "accuracy": p.accuracy} for p in history]),
    )


if __name__ == "__main__":
    run(main)
