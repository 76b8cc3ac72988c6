"""Is the training still learning? What is looked at a few times an epoch, always on the same images and noise.

The checks take nothing from the training's randomness and leave nothing in the model: with and without them, a
training ends at the same bits.
"""

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import Images, Labels, Pixels, as_images, as_pixels
from pipeline.models.base import Adversarial, TrainedModel, Variational
from pipeline.training.log import Log
from pipeline.training.resume import named, under

CHECKS_PER_EPOCH = 5
IMAGES = 100  # real ones, and samples, of each check
SNAPSHOTS = 100  # at most, of a whole training
SEED = 0  # of the checks' own randomness


class Monitor:
    """Watches one training, with the weights as they are at a step: an average that is kept in the end lags behind.

    A conditional model is watched with the `labels` of the images.

    `snapshots` has samples of the same noise at up to a hundred moments. `checks` has a row for each check, whose
    columns are `<quantity> <part>`:

    - `gradient <layer>`: the norm of the gradient of the objective that trains it;
    - `update <layer>`: the norm of the last step, relative to that of the weights;
    - `saturating generator`, `nonsaturating generator`: see `generator_gradients`;
    - `change samples`: how far the samples of fixed noise moved since the last check, relative to their norm;
    - `distance samples`: their mean pairwise distance, relative to that of as many real images;
    - `kl <dimension>`: the mean of KL(q(z_j|x) || N(0, 1)), in nats;
    - `variance <dimension>`: Var_x(E q(z_j|x)); a dimension is active above 0.01 (Burda et al., 2016).
    """

    def __init__(
        self, model: TrainedModel, pixels: Pixels, arithmetic: Arithmetic, labels: Labels | None = None
    ) -> None:
        self.model = model
        self.arithmetic = arithmetic
        self.images = as_images(pixels[:IMAGES])
        self.labels = None if labels is None else labels[:IMAGES]
        self.real_distance = mean_distance(self.images).clamp_min(1e-12)
        steps_per_epoch = -(-len(pixels) // model.config.batch_size)
        self.every = max(1, steps_per_epoch // CHECKS_PER_EPOCH)
        checks = model.config.epochs * steps_per_epoch // self.every
        self.snapshot_every = -(-checks // SNAPSHOTS)
        self.checks = Log()
        self.snapshots: dict[int, Tensor] = {}  # by step: uint8, (IMAGES, 28, 28), on the CPU
        self.weights: dict[str, Tensor] = {}  # before the step that is checked
        with undisturbed(self.model):
            self.samples = self.sampled()

    def before(self, step: int) -> None:
        """Keep the weights if this step will be checked."""
        if step % self.every == 0:
            self.weights = {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def after(self, step: int) -> None:
        """Check this step if it is its turn."""
        if step % self.every:
            return
        with undisturbed(self.model):
            values = {f"{what} {part}": value for what, part, value in self.measured()}
            names, numbers = list(values), torch.stack([value.float() for value in values.values()]).tolist()
            self.checks.append({"step": float(step), **dict(zip(names, numbers, strict=True))})
            if len(self.checks.rows) % self.snapshot_every == 0:
                self.snapshots[step] = as_pixels(self.samples).cpu()

    def measured(self) -> Iterator[tuple[str, str, Tensor]]:
        """Every quantity: its name, the part it is of, a scalar."""
        for layer, gradients in self.gradients().items():
            yield "gradient", layer, norm(gradients)
        for layer, parameters in layers(self.model).items():
            steps = [value.detach() - self.weights[name] for name, value in parameters.items()]
            yield "update", layer, norm(steps) / norm([self.weights[name] for name in parameters]).clamp_min(1e-12)
        if isinstance(self.model, Adversarial):
            for name, value in generator_gradients(self.model, self.arithmetic).items():
                yield name, "generator", value
        samples, before = self.sampled(), self.samples
        self.samples = samples
        yield "change", "samples", (samples - before).norm() / samples.norm().clamp_min(1e-12)
        yield "distance", "samples", mean_distance(samples) / self.real_distance
        if isinstance(self.model, Variational):
            with torch.no_grad():
                mean, log_var = self.model.posterior(self.images)
            kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).mean(0)
            for dimension, (nats, variance) in enumerate(zip(kl, mean.var(0), strict=True)):
                yield "kl", str(dimension), nats
                yield "variance", str(dimension), variance

    def gradients(self) -> dict[str, list[Tensor]]:
        """By layer, of the objective that trains it."""
        found: dict[str, list[Tensor]] = {}
        parts = layers(self.model)
        for objective in self.arithmetic.objectives(self.model.labelled_objectives(self.images, self.labels)):
            trained = set(objective.trains.parameters())
            moved = {name: [value for value in layer.values() if value in trained] for name, layer in parts.items()}
            flat = [value for values in moved.values() for value in values]
            gradients = iter(torch.autograd.grad(objective.loss, flat, retain_graph=True))
            found |= {name: [next(gradients) for _ in values] for name, values in moved.items() if values}
        return found

    @torch.no_grad()
    def sampled(self) -> Images:
        return self.model.sample(IMAGES, torch.Generator().manual_seed(SEED))

    def state(self) -> dict[str, Tensor]:
        """What a killed training needs to go on with the same checks."""
        snapshots = {str(step): snapshot for step, snapshot in self.snapshots.items()}
        return named("checks", self.checks.state()) | named("snapshots", snapshots) | {"samples": self.samples}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.checks.restore(under("checks", state))
        snapshots = under("snapshots", state)
        self.snapshots = {step: snapshots[str(step)] for step in sorted(map(int, snapshots))}
        self.samples = state["samples"].to(self.model.device)


@contextlib.contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """In eval mode and with randomness of its own; afterwards all is as it was."""
    was_training = model.training
    cuda = [value.device for value in itertools.islice(model.parameters(), 1) if value.is_cuda]
    with torch.random.fork_rng(cuda):
        torch.manual_seed(SEED)
        model.eval()
        try:
            yield
        finally:
            model.train(was_training)


def generator_gradients(model: Adversarial, arithmetic: Arithmetic) -> dict[str, Tensor]:
    """The norms of the gradients of E log(1 - D(G(z))) and of -E log D(G(z)), whichever of them is descended.

    With a = D's logit for a fake, each sample's gradient is that of a times -D and D - 1, so where all fakes are
    judged alike their ratio is D / (1 - D) (Arjovsky & Bottou, 2017).
    """
    with arithmetic.autocast():
        logits = model.fake_logits(IMAGES)
    losses = {"saturating": logsigmoid(-logits).mean(), "nonsaturating": -logsigmoid(logits).mean()}
    parameters = list(model.generator.parameters())
    return {name: norm(torch.autograd.grad(loss, parameters, retain_graph=True)) for name, loss in losses.items()}


def layers(model: nn.Module) -> dict[str, dict[str, nn.Parameter]]:
    """The parameters of each module that has its own, by the module's name; those of `model` itself under that name."""
    found: dict[str, dict[str, nn.Parameter]] = {}
    for name, value in model.named_parameters():
        owner, parametrized, _ = name.partition(".parametrizations.")  # as torch names what it computes weights from
        layer = owner if parametrized else owner.rpartition(".")[0]
        found.setdefault(layer or "model", {})[name] = value
    return found


def norm(tensors: Iterable[Tensor]) -> Tensor:
    """The Euclidean norm of all of them together."""
    return torch.stack([tensor.norm() for tensor in tensors]).norm()


def mean_distance(images: Images) -> Tensor:
    """Between all pairs, over pixels."""
    return nn.functional.pdist(images.flatten(1)).mean()
