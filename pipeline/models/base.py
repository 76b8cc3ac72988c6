"""Define the interface of a generative model: the methods that a family implements and that other code may call."""

import abc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from pipeline.core.params import Section
from pipeline.core.shapes import Codes, Images, Labels, Nats

Decay = Annotated[float, Field(ge=0, lt=1)]
Tell = Callable[[int, int, Mapping[str, float]], None]  # the step, the number of steps, what is logged


class FamilyConfig(Section):
    """Provide the base class of each family's `Config`. Its fields are the keys of a model in params.yaml."""


class TrainingConfig(FamilyConfig):
    """Hold the settings of a family that is trained by gradient descent. Each family sets the defaults of its paper."""

    epochs: PositiveInt
    batch_size: PositiveInt
    lr: float = Field(gt=0)
    linear_decay: bool = False  # whether the rate falls linearly over the training, to 0
    betas: tuple[Decay, Decay] = (0.9, 0.999)  # of Adam
    ema: Decay = 0.0  # decay of the moving average of the weights, which is kept; 0 keeps the last weights


@dataclass(frozen=True)
class Objective:
    """Describe one update of a training step: minimise the sum of `losses` over the parameters of `trains`.

    The update is a step of Adam, or that of a `rule`, such as an EM step: it is called when the gradients are computed.
    """

    trains: nn.Module
    losses: Mapping[str, Tensor]  # scalars, each logged under its name
    logged: Mapping[str, Tensor] = field(default_factory=dict)  # scalars that are logged only
    rule: Callable[[], None] | None = None

    @property
    def loss(self) -> Tensor:
        """Return the scalar to minimise, the sum of all losses."""
        return torch.stack(list(self.losses.values())).sum()


class GenerativeModel(nn.Module, abc.ABC):
    """Represent a distribution over images that can be sampled.

    The report shows the module docstring of a family's file as the description of the family.
    """

    Config: ClassVar[type[FamilyConfig]]

    def __init__(self, config: FamilyConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def device(self) -> torch.device:
        """Return the device that holds the weights."""
        return next(self.parameters()).device

    @abc.abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Images:
        """Draw `count` images (count, 1, 28, 28). All randomness comes from `rng`, a generator on the CPU."""


class TrainedModel(GenerativeModel):
    """Represent a family that is trained by gradient descent, in the shared loop (`pipeline/training/loop.py`)."""

    config: TrainingConfig

    def begin(self, images: Images, rng: torch.Generator) -> None:
        """Start from the training images, before the first step; by default, the initial weights are the start.

        All randomness comes from `rng`, a generator on the CPU. A training that is resumed does not begin again.
        """

    @abc.abstractmethod
    def objectives(self, images: Images) -> Iterator[Objective]:
        """Yield the updates for this batch in order; the loop makes each one before it requests the next."""

    def labelled_objectives(self, images: Images, labels: Labels | None) -> Iterator[Objective]:
        """Yield the updates for this batch, given its labels if there are any; only a `Conditional` model uses them."""
        return self.objectives(images)


class ConditionalConfig(TrainingConfig):
    """Hold the settings of a conditional family."""

    classes: PositiveInt = 10  # filled in from the data set; a value in params.yaml must agree with it


class Conditional(TrainedModel):
    """Declare a capability: each sample is drawn for a requested class, so samples have labels by construction.

    Training uses labels: `objectives(images, labels)` receives both.
    """

    Config: ClassVar[type[ConditionalConfig]]
    config: ConditionalConfig

    @abc.abstractmethod
    def objectives(self, images: Images, labels: Labels) -> Iterator[Objective]:
        """Yield the updates for this batch in order; the loop makes each one before it requests the next."""

    def labelled_objectives(self, images: Images, labels: Labels | None) -> Iterator[Objective]:
        if labels is None:
            raise ValueError(
                f"{type(self).__name__} is conditional: expected the label of each training image; found none."
            )
        return self.objectives(images, labels)

    @abc.abstractmethod
    def sample_labelled(self, labels: Labels, rng: torch.Generator) -> Images:
        """Draw one image for each label. All randomness comes from `rng`; it and the labels are on the CPU."""

    def sample(self, count: int, rng: torch.Generator) -> Images:
        """Draw `count` images of random classes; all classes are equally likely."""
        return self.sample_labelled(torch.randint(self.config.classes, (count,), generator=rng), rng)


class FittedModel(GenerativeModel):
    """Represent a family that is fitted in closed form or by its own algorithm (EM, counting, ...)."""

    @abc.abstractmethod
    def fit(self, images: Images, rng: torch.Generator, tell: Tell) -> None:
        """Set all parameters and buffers from the training images.

        Args:
            images: the training images.
            rng: the source of all randomness, a generator on the CPU.
            tell: to call after each step of the algorithm, with what it logs.
        """


class Density(abc.ABC):
    """Declare a capability: the model gives the probability of an image, or a bound or an estimate of it.

    Its support is `ink`, images of pixels 0 and 1, or `levels`, images of 256 levels of grey. A grey image becomes ink
    by a draw in which a pixel is 1 with the probability of its grey level.
    """

    support: ClassVar[Literal["ink", "levels"]]
    evidence: ClassVar[Literal["exact", "bound", "estimate"]]

    @abc.abstractmethod
    def log_prob(self, images: Images, rng: torch.Generator) -> Nats:
        """Return the log-probability of each image in nats.

        Args:
            images: with pixels 0 and 1, or with one of 256 levels.
            rng: a generator on the CPU, for dequantisation and importance samples.
        """


class Completing(abc.ABC):
    """Declare a capability: the model draws the hidden pixels of an image given the others."""

    @abc.abstractmethod
    def complete(self, images: Images, known: Images, rng: torch.Generator) -> Images:
        """Draw the pixels where `known` is 0 given the others, which stay as they are."""


class Marginal(Density, Completing):
    """Declare a capability: hidden pixels are summed out of the probability, and completed from their distribution."""

    @abc.abstractmethod
    def log_prob(self, images: Images, rng: torch.Generator, known: Images | None = None) -> Nats:
        """Return the log-probability of the pixels where `known` is 1, in nats; of all pixels without `known`."""


class EnergyBased(Density):
    """Declare a capability: the probability of an image is exp(-energy) / Z, where Z is only estimated.

    Samples come from a Markov chain.
    """

    @abc.abstractmethod
    def energy(self, images: Images) -> Nats:
        """Return the energy of each image in nats."""

    @abc.abstractmethod
    def log_partition(self, rng: torch.Generator) -> tuple[float, float]:
        """Return two estimates of log Z in nats: one that is too small on average, and one that is too large."""


class Decoder(abc.ABC):
    """Declare a capability: images are made from codes z ~ N(0, I) by a differentiable function."""

    @abc.abstractmethod
    def decode(self, codes: Codes) -> Images:
        """Return the image of each code; if the decoder gives a distribution over images, return its mean."""


class ConditionalDecoder(abc.ABC):
    """Declare a capability: images are made from codes z ~ N(0, I) and classes by a differentiable function."""

    @abc.abstractmethod
    def decode_labelled(self, codes: Codes, labels: Labels) -> Images:
        """Return the image of each code and class; if the decoder gives a distribution, return its mean."""


class Autoencoder(Decoder):
    """Declare a capability: the model maps images to codes and codes to images."""

    @abc.abstractmethod
    def encode(self, images: Images) -> Codes:
        """Return the code of each image; if the encoder gives a distribution over codes, return its mean."""


class Variational(Autoencoder):
    """Declare a capability: the encoder gives a Gaussian posterior q(z|x) over codes for each image."""

    @abc.abstractmethod
    def posterior(self, images: Images) -> tuple[Codes, Codes]:
        """Return the mean and the log-variance of q(z|x), in float32."""

    def encode(self, images: Images) -> Codes:
        return self.posterior(images)[0]


class Adversarial(abc.ABC):
    """Declare a capability: a generator plays against a discriminator D.

    The first objectives are D's. They log three quantities, and the generator's objective has a loss of a fixed name.
    The alarm rules rely on these names:

    - `D_real`, `D_fake`: the mean of D's probability of being real, over real images and over fakes;
    - `D_right`: the share of all images that D classifies correctly;
    - `generator_loss`: the loss of the generator.
    """

    generator: nn.Module
    discriminator: nn.Module

    @abc.abstractmethod
    def fake_logits(self, count: int) -> Tensor:
        """Return D's logits for `count` new fakes, (count, 1) in float32, with a gradient to the generator."""


class ObservationModel(abc.ABC):
    """Declare a capability: `sample` returns the means of a distribution over images, which can itself be sampled.

    A pixel's mean is its expectation given all that was drawn before it: a code, a state or other pixels.
    """

    @abc.abstractmethod
    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        """Draw `count` images from the model, and return their means as well: means, images."""


class PixelwiseObservations(ObservationModel):
    """Declare a capability: given its mean, each pixel is drawn independently of all others."""

    @abc.abstractmethod
    def observe(self, means: Images, rng: torch.Generator) -> Images:
        """Draw one image from the distribution with each of these means."""

    def sample_observed(self, count: int, rng: torch.Generator) -> tuple[Images, Images]:
        means = self.sample(count, rng)
        return means, self.observe(means, rng)

    @abc.abstractmethod
    def sample(self, count: int, rng: torch.Generator) -> Images:
        """Draw `count` images, as every model does."""


@dataclass(frozen=True)
class Exhibit:
    """Hold a picture of something that only one kind of model has: rows of images, with the text beside them."""

    title: str
    caption: str  # says what the rows and the columns are
    images: Tensor  # (rows, columns, height, width) in [0, 1]


class HasParts(abc.ABC):
    """Declare a capability: what the model has learned can be shown as images."""

    @abc.abstractmethod
    def parts(self, rng: torch.Generator) -> Exhibit:
        """Return a picture of what the model has learned. All randomness comes from `rng`."""


class DrawsInSteps(abc.ABC):
    """Declare a capability: an image comes to be in steps that can be shown."""

    @abc.abstractmethod
    def drawing(self, rng: torch.Generator) -> Exhibit:
        """Return some samples, one a row, as they come to be from left to right. All randomness comes from `rng`."""


def count(module: nn.Module) -> int:
    """Return the number of parameters of a module."""
    return sum(parameter.numel() for parameter in module.parameters())
