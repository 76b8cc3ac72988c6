"""What a generative model is: the few methods that a family writes, and all that others may ask of it."""

import abc
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.params import Section
from pipeline.core.shapes import Codes, Images, Labels

Decay = Annotated[float, Field(ge=0, lt=1)]


class FamilyConfig(Section):
    """What a family's own `Config` extends. Its keys are those of a model in params.yaml."""


class TrainingConfig(FamilyConfig):
    """What every family trained by gradient descent can be told; a family gives the defaults of its paper."""

    epochs: PositiveInt
    batch_size: PositiveInt
    lr: float = Field(gt=0)
    betas: tuple[Decay, Decay] = (0.9, 0.999)  # of Adam
    ema: Decay = 0.0  # of the moving average of the weights that is kept; 0 keeps the last weights


@dataclass(frozen=True)
class Objective:
    """One update of a training step: descend the sum of `losses` in the parameters of `trains`."""

    trains: nn.Module
    losses: Mapping[str, Tensor]  # scalars, each logged under its name
    logged: Mapping[str, Tensor] = field(default_factory=dict)  # scalars that are logged only

    @property
    def loss(self) -> Tensor:
        """The scalar that is descended."""
        return torch.stack(list(self.losses.values())).sum()


class GenerativeModel(nn.Module, abc.ABC):
    """A distribution over images that can be sampled from.

    The module docstring of a family's file is its paragraph in the report.
    """

    Config: ClassVar[type[FamilyConfig]]

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @abc.abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Images:
        """Draw `count` images. All randomness comes from `rng`, a generator on the CPU."""


class TrainedModel(GenerativeModel):
    """A family that is trained by gradient descent, in the shared loop (`pipeline/training.py`)."""

    config: TrainingConfig

    @abc.abstractmethod
    def objectives(self, images: Images) -> Iterator[Objective]:
        """Yield this batch's updates in order; each is made before the next is asked for."""

    def labelled_objectives(self, images: Images, labels: Labels | None) -> Iterator[Objective]:
        """What the loop asks for: only a `Conditional` model is told the labels."""
        return self.objectives(images)


class ConditionalConfig(TrainingConfig):
    """What every conditional family can be told."""

    classes: PositiveInt = 10  # of the data set, which fills it in: a number of one's own must agree


class Conditional(TrainedModel):
    """Capability: each sample is of a class that was asked for, so samples have labels by construction.

    It is trained with labels: its `objectives(images, labels)` get both.
    """

    Config: ClassVar[type[ConditionalConfig]]
    config: ConditionalConfig

    @abc.abstractmethod
    def objectives(self, images: Images, labels: Labels) -> Iterator[Objective]:
        """Yield this batch's updates in order; each is made before the next is asked for."""

    def labelled_objectives(self, images: Images, labels: Labels | None) -> Iterator[Objective]:
        if labels is None:
            raise ValueError(
                f"{type(self).__name__} is conditional: expected the label of each training image; found none."
            )
        return self.objectives(images, labels)

    @abc.abstractmethod
    def sample_labelled(self, labels: Labels, rng: torch.Generator) -> Images:
        """Draw an image for each label (on the CPU). All other randomness comes from `rng`, a generator on the CPU."""

    def sample(self, count: int, rng: torch.Generator) -> Images:
        """Draw `count` images, each of a random class; all classes are equally likely."""
        return self.sample_labelled(torch.randint(self.config.classes, (count,), generator=rng), rng)


class FittedModel(GenerativeModel):
    """A family that is fitted in closed form or by its own algorithm (EM, counting, ...)."""

    @abc.abstractmethod
    def fit(self, images: Images) -> None:
        """Set all parameters and buffers from the training images."""


class Autoencoder(abc.ABC):
    """Capability: images have codes, and codes have images."""

    @abc.abstractmethod
    def encode(self, images: Images) -> Codes:
        """The code of each image (for a distribution over codes: its mean)."""

    @abc.abstractmethod
    def decode(self, codes: Codes) -> Images:
        """The image of each code (for a distribution over images: its mean)."""


class Variational(Autoencoder):
    """Capability: each image has a Gaussian distribution over codes."""

    @abc.abstractmethod
    def posterior(self, images: Images) -> tuple[Codes, Codes]:
        """The mean and the log-variance of q(z|x), in float32."""

    def encode(self, images: Images) -> Codes:
        return self.posterior(images)[0]


class Adversarial(abc.ABC):
    """Capability: a generator plays against a discriminator D.

    Its first objectives are D's, and log `D_real` and `D_fake`, the means of D's probabilities that the real and the
    fake images are real, and `D_right`, the share of all that it judges right. The generator's has the term
    `generator_loss`. The alarms read these names.
    """

    generator: nn.Module
    discriminator: nn.Module

    @abc.abstractmethod
    def fake_logits(self, count: int) -> Tensor:
        """D's logits for `count` fakes of fresh noise, (count, 1) in float32, with a gradient to the generator."""


class ObservationModel(abc.ABC):
    """Capability: `sample` returns the means of a distribution over images, which can be drawn from."""

    @abc.abstractmethod
    def observe(self, means: Images, rng: torch.Generator) -> Images:
        """One draw for each mean."""


def count(module: nn.Module) -> int:
    """The number of parameters."""
    return sum(parameter.numel() for parameter in module.parameters())
