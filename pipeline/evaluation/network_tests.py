"""Run two tests of samples that train a network of their own: C2ST and CAS.

The classifier two-sample test (C2ST; Lopez-Paz & Oquab, 2017) asks whether a network can tell samples from real images.
The classification accuracy score (CAS; Ravuri & Vinyals, 2019) asks how well a network that was trained on labelled
samples classifies real images. Both train the same small network in the same way, so their results depend on the
samples alone. Each test starts from a new network, which is determined by the seed.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import Images, Labels, Pixels, as_images, standardised

EPOCHS = 8
BATCH = 64
RATE = 2e-3  # the peak of the one-cycle schedule
TRIES = 3  # with half of the rate each, if a network never starts to learn
PASS = 100  # images per pass outside of training

Others = UInt8[Tensor, "m 28 28"]  # a second set of stored images, of a different size


class Network(nn.Sequential):
    """Map images to logits by two convolutions and two dense layers: a seventh of the work of a classifier."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            *(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(inplace=True)),
            *(nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(inplace=True), nn.Linear(64, classes)),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU

    def forward(self, images: Images) -> Float[Tensor, "n classes"]:
        return super().forward(standardised(images)).float()


def c2st(real: Pixels, fake: Others, arithmetic: Arithmetic, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Train a network to tell fake from real images on half of each set, and test it on the other half.

    Returns:
        The log odds of being fake for the held-out real images (n,) and for the held-out fakes (n,). They are above 0
        where the network takes an image for fake. n is half of each set, rounded up.

    Raises:
        ValueError: for sets of unequal size, where guessing the larger one beats 1/2, or fewer than 2 images in each.
    """
    if len(real) != len(fake) or len(real) < 2:
        raise ValueError(
            f"expected as many fake images as real ones, at least 2 of each; found {len(fake)} and {len(real)}"
        )
    # Split each set at random, train on the first halves, and test on the second.
    rng = torch.Generator().manual_seed(seed)
    half = len(real) // 2
    (seen_real, new_real), (seen_fake, new_fake) = (
        (pixels[order[:half]], pixels[order[half:]])
        for pixels in (real, fake)
        for order in [torch.randperm(len(pixels), generator=rng)]
    )
    labels = torch.arange(2).repeat_interleave(half)
    network = trained(torch.cat([seen_real, seen_fake]), labels, 2, arithmetic, seed)
    # The log odds of two classes are the difference of their logits.
    odds = [
        logits.diff(dim=1).squeeze(1)
        for logits in (logits_of(network, new, arithmetic) for new in (new_real, new_fake))
    ]
    return odds[0].numpy(), odds[1].numpy()


def labels_learned_from(
    pixels: Pixels, labels: Labels, test: Others, classes: int, arithmetic: Arithmetic, seed: int
) -> np.ndarray:
    """Return the labels (m,) of `test` images that a network predicts after training on `pixels` and `labels`."""
    return logits_of(trained(pixels, labels, classes, arithmetic, seed), test, arithmetic).argmax(1).numpy()


def trained(pixels: Pixels, labels: Labels, classes: int, arithmetic: Arithmetic, seed: int) -> Network:
    """Return a new network, trained to classify images.

    A network all of whose units died gives every image the same logits. It would say that no two sets differ, so the
    training is repeated at half of the rate.

    Raises:
        ArithmeticError: no rate gave a network that tells any two images apart.
    """
    for number in range(TRIES):
        network = trained_at(RATE / 2**number, pixels, labels, classes, arithmetic, seed)
        logits = logits_of(network, pixels[::10], arithmetic)
        if (logits.amax(dim=0) > logits.amin(dim=0)).any():
            return network
    raise ArithmeticError(
        f"A network was trained {TRIES} times to tell images apart: expected logits that differ between images; found "
        "the same for all. Are the samples all alike?"
    )


def trained_at(rate: float, pixels: Pixels, labels: Labels, classes: int, arithmetic: Arithmetic, seed: int) -> Network:
    """Return a new network, trained with this peak of the rate."""
    device = arithmetic.device
    pixels, labels = pixels.to(device), labels.to(device)
    rng = torch.Generator().manual_seed(seed)
    # Weights from the seed, whatever was drawn before.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(classes).to(device)

    # Cross entropy, with AdamW and a one-cycle schedule.
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-2, fused=True)
    steps = EPOCHS * -(-len(pixels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(pixels), generator=rng).to(device).split(BATCH):
            with arithmetic.autocast():
                logits = network(as_images(pixels[chosen]))
            optimizer.zero_grad()
            cross_entropy(logits, labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    return network


@torch.no_grad()
def logits_of(network: Network, pixels: Pixels, arithmetic: Arithmetic) -> Float[Tensor, "n classes"]:
    """Return the logits of stored images, in float32, on the CPU."""
    return torch.cat([network(as_images(batch.to(arithmetic.device))) for batch in pixels.split(PASS)]).cpu()
