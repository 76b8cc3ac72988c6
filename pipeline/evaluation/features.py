"""Define the feature spaces in which samples are compared: the outputs of a network.

A score depends more on its features than on its formula. The classifier's features represent what makes a digit. They
were trained to ignore the rest, so a blurred image may look better than a real one. Untrained networks ignore nothing
in particular; Naeem et al. (2020) advise them for such images. Several of them show how much a score depends on one.
"""

import hashlib

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.core.shapes import Images, Pixels, as_images, standardised
from pipeline.evaluation.classifier import BATCH, Ensemble


class RandomNetwork(nn.Sequential):
    """Map images to features by an untrained convolutional network, whose weights come from the seed."""

    def __init__(self, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            super().__init__(
                *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(inplace=True), nn.AvgPool2d(2)),
                *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(4)),
                *(nn.Flatten(), nn.Linear(1024, 128)),
            )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU

    def forward(self, images: Images) -> Float[Tensor, "n features"]:
        return super().forward(standardised(images))


def networks(classifier: Ensemble, randoms: int) -> dict[str, nn.Module]:
    """Return the network of each feature space: the classifier's first member, and `randoms` untrained ones."""
    untrained = {f"random_{seed}": RandomNetwork(seed) for seed in range(1, randoms + 1)}
    return {"classifier": classifier.features, **untrained}


@torch.no_grad()
def features_of(network: nn.Module, pixels: Pixels) -> np.ndarray:
    """Return the features (n, d) of stored images, in float32."""
    network.eval()
    return torch.cat([network(as_images(batch)) for batch in pixels.split(BATCH)]).cpu().numpy()


def digest(network: nn.Module) -> str:
    """Return 12 hexadecimal digits that identify the weights: scores from different weights cannot be compared."""
    hashed = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        hashed.update(f"{name} {tuple(value.shape)}".encode() + value.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()[:12]
