"""The label predictor: a small convolutional network, its training, and the temperature that calibrates it."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.optimize import minimize_scalar
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from pipeline.compute import Arithmetic
from pipeline.params import Classifier as Config
from pipeline.shapes import Images, Labels, Pixels, as_images

SHIFT = 2  # pixels; each training image is moved by up to this much in each direction
BATCH = 1000  # images a pass outside of training


class Classifier(nn.Module):
    """Two convolutions and two dense layers; returns calibrated logits."""

    temperature: Tensor  # logits are divided by it; 1 until calibrated (Guo et al., 2017)

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 24, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(48 * 7 * 7, 128), nn.ReLU()),
        )
        self.head = nn.Linear(128, classes)
        self.register_buffer("temperature", torch.ones(()))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU

    def forward(self, images: Images) -> Float[Tensor, "n classes"]:
        return self.head(self.features(images)).float() / self.temperature


@dataclass(frozen=True)
class Progress:
    """What an epoch of the classifier's training showed."""

    epoch: int
    loss: float  # nats, mean over the epoch
    accuracy: float  # on the calibration images, 0 to 1
    images_per_second: float


def train(
    classifier: Classifier,
    pixels: Pixels,
    labels: Labels,
    config: Config,
    arithmetic: Arithmetic,
    seed: int,
    tell: Callable[[Progress], None],
) -> None:
    """Train on all but the last sixth of the images, then set the temperature on that sixth."""
    fit = len(pixels) - len(pixels) // 6
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=config.lr, weight_decay=1e-2, fused=True)
    steps = config.epochs * -(-fit // config.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, total_steps=steps)

    started = time.perf_counter()
    for epoch in range(1, config.epochs + 1):
        classifier.train()
        total = 0.0
        for chosen in torch.randperm(fit, generator=rng).to(pixels.device).split(config.batch_size):
            with arithmetic.autocast():
                logits = classifier(shifted(as_images(pixels[chosen]), rng))
            loss = cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        held_out = logits_of(classifier, pixels[fit:]).argmax(1) == labels[fit:]
        speed = epoch * fit / (time.perf_counter() - started)
        tell(Progress(epoch, total / fit, held_out.float().mean().item(), speed))
    calibrate(classifier, pixels[fit:], labels[fit:])


def shifted(images: Images, rng: torch.Generator) -> Images:
    """The batch moved as one by a random offset: cheap, and over the batches the effect of moving each image."""
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=rng).tolist()
    return pad(images, (SHIFT,) * 4)[:, :, down : down + 28, right : right + 28]


def calibrate(classifier: Classifier, pixels: Pixels, labels: Labels) -> None:
    """Choose the temperature with the least cross entropy on held-out images (Guo et al., 2017)."""
    classifier.temperature.fill_(1.0)
    logits = logits_of(classifier, pixels)

    def loss(log_temperature: float) -> float:
        return cross_entropy(logits / float(torch.tensor(log_temperature).exp()), labels).item()

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    classifier.temperature.fill_(float(torch.tensor(best.x).exp()))


@torch.no_grad()
def logits_of(classifier: Classifier, pixels: Pixels) -> Float[Tensor, "n classes"]:
    """Calibrated logits of stored images, in float32."""
    classifier.eval()
    return torch.cat([classifier(as_images(batch)) for batch in pixels.split(BATCH)])
