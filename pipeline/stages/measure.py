"""Score the samples of one source: a model with one seed, or the real test images."""

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import artifacts
from pipeline.metrics.labels import total_variation
from pipeline.metrics.proportions import shares, wilson
from pipeline.metrics.sharpness import laplacian_variance
from pipeline.params import Labels
from pipeline.stages import run, settings

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="measure", description=__doc__)
    cli.add_argument("--config", type=settings(Labels, "labels"), required=True)
    cli.add_argument("--model", required=True)
    cli.add_argument("--seed", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--samples", type=Path, required=True)
    cli.add_argument("--labels", type=Path, required=True)
    cli.add_argument("--record", type=Path, help="of the training, where there was one")
    cli.add_argument("--measures", type=Path, required=True)
    args = cli.parse_args(argv)

    data = artifacts.read_dataset(args.dataset)
    labels = artifacts.read_table(args.labels)
    classes = len(data.class_names)
    trained_on = shares(data.train_labels, classes)
    real_sharpness = laplacian_variance(data.test_images).mean()

    rows: list[Row] = []
    for name, pixels in artifacts.read_arrays(args.samples).items():
        chosen = labels[labels["set"] == name]
        found = [
            *label_rows(chosen["label"].to_numpy(), chosen["confidence"].to_numpy(), trained_on, args.config),
            *sharpness_rows(pixels, real_sharpness),
        ]
        rows += [{"set": name, **row} for row in found]
    if args.record:
        rows += [{"set": "images", **row} for row in training_rows(artifacts.read_json(args.record))]

    columns = ["model", "seed", "set", "metric", "label", "value", "lower", "upper", "n"]
    table = pd.DataFrame(rows, columns=pd.Index(columns)).assign(model=args.model, seed=args.seed)
    artifacts.write_table(args.measures, table.astype({"label": "Int64", "n": "Int64"}))


def label_rows(labels: np.ndarray, confidence: np.ndarray, trained_on: np.ndarray, config: Labels) -> Iterator[Row]:
    """What the label predictor says of n samples."""
    n = len(labels)
    for label, count in enumerate(np.bincount(labels, minlength=len(trained_on))):
        yield {"metric": "share", "label": label, **proportion(count, n)}
    yield {
        "metric": "label_distance",
        "value": total_variation(shares(labels, len(trained_on)), trained_on),
        "n": n,
    }
    yield {"metric": "confidence", **mean(confidence)}
    yield {"metric": "ambiguous", **proportion((confidence < config.ambiguous_below).sum(), n)}


def sharpness_rows(pixels: np.ndarray, real: float) -> Iterator[Row]:
    """Sharpness, and its ratio to that of the real test images."""
    row = mean(laplacian_variance(pixels))
    yield {"metric": "sharpness", **row}
    yield {"metric": "sharpness_ratio"} | {k: v if k == "n" else v / real for k, v in row.items()}


def training_rows(record: Row) -> Iterator[Row]:
    """What a training cost, and the objective it reached on the test images where that is a loss of the model."""
    yield {"metric": "seconds", "value": record["seconds"]}
    yield {"metric": "images_seen", "value": record["images_seen"]}
    yield {"metric": "parameters", "value": record["parameters"]["total"]}
    if list(record["objectives"]) == ["model"]:
        yield {"metric": "test_loss", "value": sum(record["test"].values())}


def proportion(count: int, n: int) -> Row:
    """A share of n with its Wilson interval."""
    lower, upper = wilson(int(count), n)
    return {"value": count / n, "lower": lower, "upper": upper, "n": n}


def mean(values: np.ndarray) -> Row:
    """A mean with its 95 % interval for large n."""
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    return {
        "value": values.mean(),
        "lower": values.mean() - half,
        "upper": values.mean() + half,
        "n": len(values),
    }


if __name__ == "__main__":
    run(main)
