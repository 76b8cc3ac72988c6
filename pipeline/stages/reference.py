"""Prepare what every score needs of the real images."""

from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from pipeline.core import artifacts
from pipeline.core.compute import use_one_thread
from pipeline.data.dataset_file import read_dataset
from pipeline.evaluation import nearest
from pipeline.evaluation.classifier import logits_of, read_classifier
from pipeline.evaluation.features import digest, features_of, networks
from pipeline.evaluation.reference import learn, to_arrays
from pipeline.metrics.novelty import nearest_training, own_distances
from pipeline.stages.cli import run

NOVELTY = "random_1"  # the feature space in which novelty is tested, beside pixels


def main(
    *,
    random_networks: int,
    dataset_file: Path,
    classifier_file: Path,
    reference_file: Path,
) -> None:
    """Write the reference.

    Args:
        random_networks: the number of untrained networks, each a feature space.
        dataset_file: the data set.
        classifier_file: the checkpoint of the classifier.
        reference_file: to write.
    """
    use_one_thread()
    data = read_dataset(dataset_file)
    classifier = read_classifier(classifier_file)
    spaces = networks(classifier, random_networks)
    train, test = torch.from_numpy(data.train_images), torch.from_numpy(data.test_images)
    features = {space: features_of(network, test) for space, network in spaces.items()}
    trained = features_of(spaces[NOVELTY], train)
    with threadpool_limits(1):  # on several threads, k-means sums in another order
        reference = learn(
            data,
            labels=logits_of(classifier, test).argmax(1).numpy(),
            features=features,
            digests={space: digest(network) for space, network in spaces.items()},
            trained={NOVELTY: trained},
            own={"pixels": nearest.own_distances(data.train_images), NOVELTY: own_distances(trained)},
            twins=nearest.twin_distances(data.train_images, data.train_labels),
            seen={
                "pixels": nearest.nearest_images(data.test_images, data.train_images).distance,
                NOVELTY: nearest_training(trained, features[NOVELTY]).distance,
            },
        )
    artifacts.write_arrays(reference_file, **to_arrays(reference))


if __name__ == "__main__":
    run(main)
