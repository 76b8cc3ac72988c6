"""Learn of the real images what every score compares with."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from pipeline import artifacts
from pipeline.classifier import logits_of
from pipeline.evaluation.reference import learn, to_arrays
from pipeline.features import digest, features_of, networks
from pipeline.metrics.novelty import nearest_training, own_distances
from pipeline.nearest import nearest_images
from pipeline.stages import run

NOVELTY = "random_1"  # the feature space in which novelty is tested, beside pixels


def main(argv: Sequence[str] | None = None) -> None:
    cli = argparse.ArgumentParser(prog="reference", description=__doc__)
    cli.add_argument("--random-networks", type=int, required=True)
    cli.add_argument("--dataset", type=Path, required=True)
    cli.add_argument("--classifier", type=Path, required=True)
    cli.add_argument("--reference", type=Path, required=True)
    args = cli.parse_args(argv)

    data = artifacts.read_dataset(args.dataset)
    classifier = artifacts.read_classifier(args.classifier)
    spaces = networks(classifier, args.random_networks)
    train, test = torch.from_numpy(data.train_images), torch.from_numpy(data.test_images)
    features = {space: features_of(network, test) for space, network in spaces.items()}
    trained = features_of(spaces[NOVELTY], train)
    with threadpool_limits(1):  # k-means sums in another order on several
        reference = learn(
            data,
            labels=logits_of(classifier, test).argmax(1).numpy(),
            features=features,
            digests={space: digest(network) for space, network in spaces.items()},
            trained={NOVELTY: trained},
            own={"pixels": nearest_images(data.train_images).distance, NOVELTY: own_distances(trained)},
            seen={
                "pixels": nearest_images(data.test_images, data.train_images).distance,
                NOVELTY: nearest_training(trained, features[NOVELTY]).distance,
            },
        )
    artifacts.write_arrays(args.reference, **to_arrays(reference))


if __name__ == "__main__":
    run(main)
