"""Two tests of samples that train a network of their own.

Can it tell them from real images (Lopez-Paz & Oquab, 2017)? And where samples have labels: does it learn from them to
read real images (Ravuri & Vinyals, 2019)? Both train the same small network in the same way, so that their answers
hang on the samples alone. It is new for each test, and the same for the same seed.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import Images, Labels, Pixels, as_images

EPOCHS = 8
BATCH = 64
RATE = 2e-3  # the peak of the one-cycle schedule; with twice as much some trainings never leave the start
PASS = 100  # images a pass outside of training
MEAN, SPREAD = 0.1307, 0.3081  # of the pixels of MNIST: about zero mean and unit variance are what networks expect

Others = UInt8[Tensor, "m 28 28"]  # stored images, of another number


class Network(nn.Sequential):
    """Two convolutions and two dense layers: a seventh of a classifier's work."""

    def __init__(self, classes: int) -> None:
        super().__init__(
            *(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(inplace=True)),
            *(nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(inplace=True), nn.Linear(64, classes)),
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU

    def forward(self, images: Images) -> Float[Tensor, "n classes"]:
        return super().forward((images - MEAN) / SPREAD).float()


def c2st(real: Pixels, fake: Others, arithmetic: Arithmetic, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Train on half of either set, and judge the other half.

    Returns:
        The log odds of being fake of the real images (n,) and of the fakes (n,) that were held out: above 0 where the
        network takes an image for fake. n is half of each set, rounded up.

    Raises:
        ValueError: for sets of unequal size, which alone would tell them apart, or fewer than 2 images in each.
    """
    if len(real) != len(fake) or len(real) < 2:
        raise ValueError(
            f"expected as many fake images as real ones, at least 2 of each; found {len(fake)} and {len(real)}"
        )
    rng = torch.Generator().manual_seed(seed)
    half = len(real) // 2
    (seen_real, new_real), (seen_fake, new_fake) = (
        (pixels[order[:half]], pixels[order[half:]])
        for pixels in (real, fake)
        for order in [torch.randperm(len(pixels), generator=rng)]
    )
    labels = torch.arange(2).repeat_interleave(half)
    network = trained(torch.cat([seen_real, seen_fake]), labels, 2, arithmetic, seed)
    odds = [
        logits.diff(dim=1).squeeze(1)
        for logits in (logits_of(network, new, arithmetic) for new in (new_real, new_fake))
    ]
    return odds[0].numpy(), odds[1].numpy()


def labels_learned_from(
    pixels: Pixels, labels: Labels, test: Others, classes: int, arithmetic: Arithmetic, seed: int
) -> np.ndarray:
    """The labels (m,) of the `test` images, as read by a network that learned from `pixels` and `labels`."""
    return logits_of(trained(pixels, labels, classes, arithmetic, seed), test, arithmetic).argmax(1).numpy()


def trained(pixels: Pixels, labels: Labels, classes: int, arithmetic: Arithmetic, seed: int) -> Network:
    """A new network, trained to give images their labels."""
    device = arithmetic.device
    pixels, labels = pixels.to(device), labels.to(device)
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(classes).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2, fused=True)
    steps = EPOCHS * -(-len(pixels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
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
    """The logits of stored images, in float32, on the CPU."""
    return torch.cat([network(as_images(batch.to(arithmetic.device))) for batch in pixels.split(PASS)]).cpu()
