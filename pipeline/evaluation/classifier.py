"""Train, calibrate and run the classifier: an ensemble of small convolutional networks."""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from pipeline.core.artifacts import read_weights
from pipeline.core.compute import Arithmetic
from pipeline.core.params import Classifier as Config
from pipeline.core.shapes import Images, Labels, Pixels, as_images

SHIFT = 2  # pixels by which training images are moved at most, in each direction
BATCH = 100  # images per pass outside of training; activations of more would not fit into the cache of a CPU


class Classifier(nn.Module):
    """Map images to logits by two convolutions and two dense layers: one member of the ensemble."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(1, 24, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            *(nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(48 * 7 * 7, 128), nn.ReLU(inplace=True)),
        )
        self.head = nn.Linear(128, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # twice as fast on a CPU

    def forward(self, images: Images) -> Float[Tensor, "n classes"]:
        return self.head(self.features(images)).float()


class Ensemble(nn.Module):
    """Map images to calibrated logits: the log of the members' mean probability, divided by a temperature.

    The members are trained independently (Lakshminarayanan, Pritzel & Blundell, 2017). One temperature calibrates their
    mean (Guo et al., 2017).
    """

    temperature: Tensor  # 1 until calibrated
    thresholds: Tensor  # (2,) of the strict and the loose conformal sets; 1 rules out no label, until calibrated

    def __init__(self, members: Iterable[Classifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("thresholds", torch.ones(2, dtype=torch.float64))

    @property
    def features(self) -> nn.Module:
        """Return the feature network of the first member: images (n, 1, 28, 28) in [0, 1] to (n, 128)."""
        return cast(Classifier, self.members[0]).features

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return cast(Classifier, self.members[0]).head.out_features

    def each(self, images: Images) -> Float[Tensor, "members n classes"]:
        """Return the log probabilities of each member."""
        return torch.stack([member(images).log_softmax(1) for member in self.members])

    def together(self, each: Float[Tensor, "members n classes"]) -> Float[Tensor, "n classes"]:
        """Return calibrated logits from the log probabilities of the members: log(mean probability) / temperature."""
        return (each.logsumexp(0) - math.log(len(each))) / self.temperature

    def forward(self, images: Images) -> Float[Tensor, "n classes"]:
        return self.together(self.each(images))


@dataclass(frozen=True)
class Progress:
    """Hold the results of one epoch of a member's training."""

    member: int  # 0, 1, ...; also its seed
    epoch: int
    loss: float  # nats, mean over the epoch
    accuracy: float  # on the calibration images, 0 to 1
    images_per_second: float


def parts(count: int) -> tuple[slice, Int[Tensor, "tempering"], Int[Tensor, "judging"]]:
    """Return which of `count` training images fit the weights, the temperature and the conformal thresholds.

    The last sixth is held out from the weights, and split in random halves for the other two. Every second image would
    not make equal halves: MNIST alternates between two groups of writers, one of which is easier to read.
    """
    fit = count - count // 6
    held_out = fit + torch.randperm(count - fit, generator=torch.Generator().manual_seed(0))
    return slice(fit), held_out[::2], held_out[1::2]


def train_ensemble(
    classes: int,
    pixels: Pixels,
    labels: Labels,
    config: Config,
    arithmetic: Arithmetic,
    tell: Callable[[Progress], None],
) -> Ensemble:
    """Train the members one after the other, with seeds 0, 1, ..., then set the temperature of the ensemble.

    The conformal thresholds are left at 1.
    """
    members = []
    for seed in range(config.members):
        torch.manual_seed(seed)
        member = Classifier(classes).to(arithmetic.device)
        train(member, pixels, labels, config, arithmetic, seed, tell)
        members.append(member)
    ensemble = Ensemble(members).to(arithmetic.device)
    _, tempering, _ = parts(len(pixels))
    calibrate(ensemble, pixels[tempering], labels[tempering])
    return ensemble


def train(
    member: Classifier,
    pixels: Pixels,
    labels: Labels,
    config: Config,
    arithmetic: Arithmetic,
    seed: int,
    tell: Callable[[Progress], None],
) -> None:
    """Train one member on all but the last sixth of the images."""
    fit = len(pixels) - len(pixels) // 6
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(member.parameters(), lr=config.lr, weight_decay=1e-2, fused=True)
    steps = config.epochs * -(-fit // config.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.lr, total_steps=steps)

    # Cross entropy on randomly shifted images, with AdamW and a one-cycle schedule.
    started = time.perf_counter()
    for epoch in range(1, config.epochs + 1):
        member.train()
        total = 0.0
        for chosen in torch.randperm(fit, generator=rng).to(pixels.device).split(config.batch_size):
            with arithmetic.autocast():
                logits = member(shifted(as_images(pixels[chosen]), rng))
            loss = cross_entropy(logits, labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        held_out = logits_of(member, pixels[fit:]).argmax(1) == labels[fit:]
        speed = epoch * fit / (time.perf_counter() - started)
        tell(Progress(seed, epoch, total / fit, held_out.float().mean().item(), speed))


def shifted(images: Images, rng: torch.Generator) -> Images:
    """Return the batch shifted as a whole by one random offset.

    This is cheap, and over many batches acts like shifting each image on its own.
    """
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,), generator=rng).tolist()
    return pad(images, (SHIFT,) * 4)[:, :, down : down + 28, right : right + 28]


def calibrate(ensemble: Ensemble, pixels: Pixels, labels: Labels) -> None:
    """Set the temperature to the one with the least cross entropy on held-out images (Guo et al., 2017)."""
    from scipy.optimize import minimize_scalar  # slow to import, and needed by training only

    ensemble.temperature.fill_(1.0)
    logits = logits_of(ensemble, pixels)

    def loss(log_temperature: float) -> float:
        return cross_entropy(logits / float(torch.tensor(log_temperature).exp()), labels).item()

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded")
    ensemble.temperature.fill_(float(torch.tensor(best.x).exp()))


@torch.no_grad()
def logits_of(network: Classifier | Ensemble, pixels: Pixels) -> Float[Tensor, "n classes"]:
    """Return the logits of stored images, in float32; an ensemble returns calibrated ones."""
    network.eval()
    return torch.cat([network(as_images(batch)) for batch in pixels.split(BATCH)])


@torch.no_grad()
def opinions(ensemble: Ensemble, pixels: Pixels) -> Float[Tensor, "members n classes"]:
    """Return the log probabilities of each member for stored images, in float32."""
    ensemble.eval()
    return torch.cat([ensemble.each(as_images(batch)) for batch in pixels.split(BATCH)], dim=1)


def read_classifier(path: Path) -> Ensemble:
    """Return the classifier of a checkpoint, on the CPU, in eval mode.

    Raises:
        ValueError: the checkpoint is not an ensemble of this version.
    """
    weights, about = read_weights(path)
    if missing := {"classes", "members"} - about.keys():
        raise ValueError(
            f"{path} should say how many {' and '.join(sorted(missing))} its classifier has; found no such entry: "
            "an older version wrote it, or it is another network. Delete it and run again."
        )
    ensemble = Ensemble(Classifier(int(about["classes"])) for _ in range(int(about["members"])))
    ensemble.load_state_dict(weights)
    return ensemble.eval()
