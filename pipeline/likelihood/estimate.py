"""Ask a model how probable test images are, in the way that its kind allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pipeline.core.params import Likelihood
from pipeline.core.shapes import Images, Nats, Pixels, as_images
from pipeline.likelihood import decoders
from pipeline.likelihood.protocol import SEED, inked, order
from pipeline.models.base import (
    Conditional,
    ConditionalDecoder,
    Decoder,
    Density,
    EnergyBased,
    GenerativeModel,
    ObservationModel,
)

BATCH = 500  # images of which a density is computed at once
SIMULATED = 20  # images that a decoder makes, to see how far its two estimates are apart
CHOOSING = 16  # training images on which the floor is chosen


@dataclass(frozen=True)
class Evidence:
    """Hold the log-probabilities of test images under a model, in nats.

    The true value lies between `lower` and `upper`: they are equal where it is exact, and `upper` is infinite where
    there is only a bound.
    """

    support: str  # ink | levels
    kind: str  # exact | bound | estimate
    method: str
    images: Tensor  # (n,) their places among the test images
    lower: Nats
    upper: Nats
    floor: float = 0.0  # least probability of ink that a decoder was given
    gap: float = 0.0  # nats between the two estimates of an integral over codes


def evidence(model: GenerativeModel, test: Pixels, train: Tensor, settings: Likelihood) -> Evidence | None:
    """Return what a model says of test images (m, side, side); None if it is no density and has no codes.

    Args:
        model: a trained model.
        test: the test images.
        train: the training images (k, side, side) as bytes, a few of which choose the floor of a decoder.
        settings: how many images and steps a dear estimate may take.
    """
    rng = torch.Generator().manual_seed(SEED)
    if isinstance(model, EnergyBased):
        return of_energy(model, inked(test), rng)
    if isinstance(model, Density):
        return of_density(model, inked(test) if model.support == "ink" else as_images(test), rng)
    if isinstance(model, Decoder | ConditionalDecoder):
        return of_decoder(Codes(model), inked(test), inked(train[order(len(train))[:CHOOSING]]), settings, rng)
    return None


def of_energy(model: EnergyBased, ink: Images, rng: torch.Generator) -> Evidence:
    """Return an estimate: the energy is exact, and its log Z lies between two estimates."""
    low, high = model.log_partition(rng)
    energy = batched(model.energy, ink)
    method = "annealed importance sampling of log Z, forwards and backwards"
    return Evidence("ink", "estimate", method, torch.arange(len(ink)), -energy - high, -energy - low, gap=high - low)


def of_density(model: Density, images: Images, rng: torch.Generator) -> Evidence:
    """Return the log-probability that a density gives."""
    lower = batched(lambda some: model.log_prob(some, rng), images)
    exact = model.evidence == "exact"
    method = "in closed form" if exact else "a variational bound"
    upper = lower if exact else torch.full_like(lower, torch.inf)
    return Evidence(model.support, model.evidence, method, torch.arange(len(images)), lower, upper)


@dataclass(frozen=True)
class Codes:
    """Give decoders one form: with classes or without."""

    model: GenerativeModel

    @property
    def latent(self) -> int:
        """Return how many numbers a code has."""
        return int(self.model.config.latent)  # type: ignore[attr-defined]

    @property
    def classes(self) -> int:
        """Return how many classes there are to sum over; 1 without classes."""
        return self.model.config.classes if isinstance(self.model, Conditional) else 1

    def by_chain(self, codes: Tensor) -> Tensor:
        """Decode codes (images, chains, latent), each chain with a class of its own."""
        return self.decoded(codes, torch.arange(codes.shape[1]).expand(len(codes), -1))

    def by_image(self, codes: Tensor) -> Tensor:
        """Decode codes (images, chains, latent), each image with a class of its own."""
        return self.decoded(codes, torch.arange(len(codes))[:, None].expand(-1, codes.shape[1]))

    def of_class(self, label: int) -> Callable[[Tensor], Tensor]:
        """Return the decoder of one class."""
        return lambda codes: self.decoded(codes, torch.full(codes.shape[:2], label))

    def decoded(self, codes: Tensor, labels: Tensor) -> Tensor:
        """Return the probabilities of ink, (images, chains, pixels)."""
        flat, labels = codes.flatten(0, 1), labels.flatten() % self.classes
        if isinstance(self.model, ConditionalDecoder):
            images = self.model.decode_labelled(flat, labels)
        else:
            assert isinstance(self.model, Decoder)
            images = self.model.decode(flat)
        return images.flatten(1).float().view(*codes.shape[:2], -1)


def of_decoder(codes: Codes, ink: Images, train: Tensor, settings: Likelihood, rng: torch.Generator) -> Evidence:
    """Return the log-probability with the code summed out: on a grid, or by annealed importance sampling.

    All classes are equally likely. The decoder of a model without observations gets the best floor.
    """
    chains = -(-settings.chains // codes.classes) * codes.classes  # as many with each class
    shape, quick = (chains, codes.latent), max(20, settings.steps // 4)
    floor = 0.0
    if not isinstance(codes.model, ObservationModel):
        floor = decoders.best_floor(codes.by_chain, shape, train, decoders.FLOORS, quick, rng)
    if codes.latent <= 2:
        of_each = [decoders.on_grid(codes.of_class(label), codes.latent, ink, floor) for label in range(codes.classes)]
        exact = mean_probability(of_each)
        return Evidence("ink", "exact", "a sum over a grid of codes", torch.arange(len(ink)), exact, exact, floor)
    chosen = order(len(ink))[: settings.images]
    lower, _ = decoders.annealed(codes.by_chain, shape, ink[chosen], floor, settings.steps, rng)
    gap = decoders.gap(codes.by_image, shape, SIMULATED, floor, settings.steps, rng)
    method = f"annealed importance sampling over codes, {chains} chains of {settings.steps} steps"
    return Evidence("ink", "estimate", method, chosen, lower, lower + gap, floor, gap)


def mean_probability(log_probabilities: Sequence[Nats]) -> Nats:
    """Return the logarithm of the mean of several probabilities."""
    stacked = torch.stack(list(log_probabilities))
    return stacked.logsumexp(0) - torch.tensor(float(len(stacked))).log()


@torch.no_grad()
def batched(log_probability: Callable[[Images], Nats], images: Images) -> Nats:
    """Return the log-probability of each image, a few at a time."""
    return torch.cat([log_probability(some).float() for some in images.split(BATCH)])
