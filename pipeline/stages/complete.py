"""Let one trained model complete real test images of which a part is hidden."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.shapes import Images, as_images, as_pixels
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation.classifier import Ensemble, opinions, read_classifier
from pipeline.likelihood.completion import can_complete, completed, hidden_nats, masks
from pipeline.likelihood.protocol import inked, order
from pipeline.metrics.proportions import wilson
from pipeline.models.base import Density, GenerativeModel
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run

IMAGES, SHOWN, DRAWS = 80, 8, 3  # test images; of which are shown; completions of each


def main(
    *,
    source: str,
    seed: int,
    dataset_file: Path,
    classifier_file: Path,
    checkpoint_file: Path,
    scores_file: Path,
    images_file: Path,
) -> None:
    """Write how often completed images keep their label, and a few of them.

    Args:
        source: the name of the model.
        seed: of the model.
        dataset_file: the data set.
        classifier_file: the checkpoint of the classifier.
        checkpoint_file: the trained model: one that completes, or a decoder.
        scores_file: to write: for each part that is hidden, the share of right labels and the nats of hidden pixels.
        images_file: to write: what is known of some test images, and completions of them.
    """
    use_one_thread()
    data, model, classifier = read_dataset(dataset_file), read_model(checkpoint_file), read_classifier(classifier_file)
    if not can_complete(model):
        raise ValueError(
            f"{checkpoint_file}: expected a Completing or a Decoder; found a {type(model).__name__}, which cannot "
            "complete images."
        )
    chosen = order(len(data.test_images))[:IMAGES]
    truth, labels = taken(model, torch.from_numpy(data.test_images))[chosen], data.test_labels[chosen.numpy()]
    rng, rows, shown = torch.Generator().manual_seed(seed), [], {"truth": as_pixels(truth[:SHOWN]).numpy()}
    for number, (hidden, known) in enumerate(masks(truth.shape[-1]).items()):
        found = completed(model, truth, known, DRAWS, rng)  # (n, draws, 1, side, side)
        right = (predicted(classifier, found.flatten(0, 1)).reshape(len(truth), DRAWS) == labels[:, None]).sum()
        rows.append(row("completion_label", hidden, right / (len(truth) * DRAWS), int(right), len(truth) * DRAWS))
        nats = hidden_nats(model, truth, known, rng)
        if nats is not None:
            rows.append({"metric": "hidden_nats", "hidden": hidden, "value": float(nats.mean()), "n": len(truth)})
        shown[f"known_{number}"] = as_pixels(torch.where(known > 0, truth[:SHOWN], 0.5)).numpy()
        shown[f"completed_{number}"] = (
            as_pixels(found[:SHOWN].flatten(0, 1)).numpy().reshape(SHOWN, DRAWS, *known.shape[2:])
        )
    right = (predicted(classifier, truth) == labels).sum()
    rows.append(row("completion_label", "nothing", right / len(truth), int(right), len(truth)))
    artifacts.write_table(scores_file, pd.DataFrame(rows).assign(model=source, seed=seed))
    artifacts.write_arrays(images_file, **shown)


def taken(model: GenerativeModel, pixels: Tensor) -> Images:
    """Return test images as a model takes them: of 256 levels, or of ink."""
    levels = isinstance(model, Density) and model.support == "levels"
    return as_images(pixels) if levels else inked(pixels)


def predicted(classifier: Ensemble, images: Images) -> np.ndarray:
    """Return the label of each image."""
    return classifier.together(opinions(classifier, as_pixels(images))).argmax(1).numpy()


def row(metric: str, hidden: str, value: float, right: int, n: int) -> dict[str, object]:
    """Return one row of scores, with the interval of a share."""
    lower, upper = wilson(right, n)
    return {"metric": metric, "hidden": hidden, "value": float(value), "lower": lower, "upper": upper, "n": n}


if __name__ == "__main__":
    run(main)
