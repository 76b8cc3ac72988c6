"""Plot the latent space of an autoencoder."""

from pathlib import Path

from pipeline.core import artifacts
from pipeline.data.dataset_file import read_dataset
from pipeline.figures import latent
from pipeline.figures.style import svg
from pipeline.stages.cli import run


def main(
    *,
    latent_file: Path,
    dataset_file: Path,
    manifold_picture: Path,
    codes_picture: Path,
    interpolations_picture: Path,
    about_file: Path,
) -> None:
    """Write the plots, and what their captions say.

    Args:
        latent_file: what `map_latent` found.
        dataset_file: the data set, for the names of the classes.
        manifold_picture: to write: decoded points of a grid.
        codes_picture: to write: the codes of the test images.
        interpolations_picture: to write: decoded points between test images.
        about_file: to write: dimensions, quantiles of the grid, and labels of the interpolated pairs.
    """
    arrays = artifacts.read_arrays(latent_file)
    names = read_dataset(dataset_file).class_names
    artifacts.write_bytes(manifold_picture, latent.manifold(arrays["manifold"]))
    artifacts.write_bytes(codes_picture, svg(latent.codes(arrays["codes"], arrays["labels"], names)))
    artifacts.write_bytes(interpolations_picture, latent.interpolations(arrays["ends"], arrays["between"]))
    about = {
        "dimensions": arrays["codes"].shape[1],
        "quantiles": arrays["quantiles"].round(4).tolist(),
        "pairs": arrays["end_labels"].tolist(),
    }
    artifacts.write_json(about_file, about)


if __name__ == "__main__":
    run(main)
