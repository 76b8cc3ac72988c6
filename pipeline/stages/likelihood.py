"""Ask one trained model how probable the real test images are."""

import math
from pathlib import Path

import pandas as pd
import torch

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.core.params import Likelihood
from pipeline.data.dataset_file import read_dataset
from pipeline.likelihood.estimate import Evidence, evidence
from pipeline.metrics.likelihood import OF_SUPPORT
from pipeline.models.common.checkpoint import read_model
from pipeline.stages.cli import run


def main(
    *,
    likelihood: Likelihood,
    source: str,
    seed: int,
    dataset_file: Path,
    checkpoint_file: Path,
    scores_file: Path,
    images_file: Path,
    about_file: Path,
) -> None:
    """Write the log-probability of each test image, and what kind of number it is.

    Args:
        likelihood: the section of params.yaml, as JSON.
        source: the name of the model.
        seed: of the model.
        dataset_file: the data set.
        checkpoint_file: the trained model: a density or a decoder.
        scores_file: to write: the mean over images.
        images_file: to write: the bounds of the log-probability of each image, in nats.
        about_file: to write: the kind, the method, and the means over images.
    """
    use_one_thread()
    data, model = read_dataset(dataset_file), read_model(checkpoint_file)
    found = evidence(model, torch.from_numpy(data.test_images), torch.from_numpy(data.train_images), likelihood)
    if found is None:
        raise ValueError(
            f"{checkpoint_file}: expected a Density, a Decoder or a ConditionalDecoder; found a "
            f"{type(model).__name__}, which gives images no probability."
        )
    columns = {"image": found.images, "lower": found.lower, "upper": found.upper}
    table = pd.DataFrame({name: values.numpy() for name, values in columns.items()}).replace(math.inf, math.nan)
    artifacts.write_table(images_file, table.sort_values("image"))
    summary = about(found, data.test_images[0].size)
    artifacts.write_json(about_file, summary)
    row = {"set": "images", "draw": 0, "metric": OF_SUPPORT[found.support], "space": "pixels", "n": len(found.images)}
    row |= {"value": summary["lower"], "lower": summary["lower"], "upper": summary["upper"]}
    artifacts.write_scores(scores_file, [row], source, seed)


def about(found: Evidence, pixels: int) -> dict[str, object]:
    """Return a summary: means over images in nats, and in bits per dimension (pixel) for images of 256 levels."""
    count, kind = len(found.images), found.kind
    lower, upper = (float(each.double().mean()) for each in (found.lower, found.upper))
    error = float(found.lower.double().std()) / math.sqrt(count)
    return {
        **{"support": found.support, "kind": kind, "method": found.method, "images": count},
        **{"lower": lower, "upper": None if math.isinf(upper) else upper, "standard_error": error},
        **{"bits": -lower / (pixels * math.log(2)) if found.support == "levels" else None},
        **{"floor": found.floor, "gap": found.gap},
    }


if __name__ == "__main__":
    run(main)
