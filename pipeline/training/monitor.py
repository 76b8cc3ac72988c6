"""Measure diagnostics a few times an epoch, always on the same images and noise: is the model still learning?

Diagnostics neither use the randomness of the training run nor change the model. With and without them, a run ends with
the same bits.
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
IMAGES = 100  # number of real images, and of samples, per diagnostic
SNAPSHOTS = 100  # at most, in a training run
SEED = 0  # of the diagnostics' own randomness


class Monitor:
    """Measure one training run, with the weights of the current step, which are not those of a moving average.

    A conditional model also needs the `labels` of the images.

    `snapshots` holds samples of the same noise at up to a hundred steps. `checks` has one row for each diagnostic step.
    Its columns are named `<quantity> <part>`:

    - `gradient <layer>`: the norm of the gradient of the objective that trains the layer;
    - `update <layer>`: |step| / |weights|, for the last step of the layer;
    - `saturating generator`, `nonsaturating generator`: see `generator_gradients`;
    - `change samples`: |samples - samples at the previous diagnostic| / |samples|, for fixed noise;
    - `distance samples`: mean pairwise distance of samples / mean pairwise distance of the same number of real images;
    - `kl <dimension>`: the mean over images of KL(q(z_j|x) || N(0, 1)), in nats;
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
        self.snapshots: dict[int, Tensor] = {}  # step -> uint8 pixels (IMAGES, 28, 28) on the CPU
        self.weights: dict[str, Tensor] = {}  # before the step that is measured
        with undisturbed(self.model):
            self.samples = self.sampled()

    def before(self, step: int) -> None:
        """Keep the weights if diagnostics follow this step."""
        if step % self.every == 0:
            self.weights = {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def after(self, step: int) -> None:
        """Measure the diagnostics if they are due after this step."""
        if step % self.every:
            return
        with undisturbed(self.model):
            values = {f"{what} {part}": value for what, part, value in self.measured()}
            names, numbers = list(values), torch.stack([value.float() for value in values.values()]).tolist()
            self.checks.append({"step": float(step), **dict(zip(names, numbers, strict=True))})
            if len(self.checks.rows) % self.snapshot_every == 0:
                self.snapshots[step] = as_pixels(self.samples).cpu()

    def measured(self) -> Iterator[tuple[str, str, Tensor]]:
        """Yield each quantity: its name, the part it describes, and its value as a scalar."""
        # Norms of gradients and relative updates, by layer.
        for layer, gradients in self.gradients().items():
            yield "gradient", layer, norm(gradients)
        for layer, parameters in layers(self.model).items():
            steps = [value.detach() - self.weights[name] for name, value in parameters.items()]
            yield "update", layer, norm(steps) / norm([self.weights[name] for name in parameters]).clamp_min(1e-12)

        # Does the generator's gradient vanish (Arjovsky & Bottou, 2017)?
        if isinstance(self.model, Adversarial):
            for name, value in generator_gradients(self.model, self.arithmetic).items():
                yield name, "generator", value

        # Do the samples still change, and do they differ from each other?
        samples, before = self.sampled(), self.samples
        self.samples = samples
        yield "change", "samples", (samples - before).norm() / samples.norm().clamp_min(1e-12)
        yield "distance", "samples", mean_distance(samples) / self.real_distance

        # Does each dimension of the posterior carry information about the image?
        if isinstance(self.model, Variational):
            with torch.no_grad():
                mean, log_var = self.model.posterior(self.images)
            kl = -0.5 * (1 + log_var - mean.square() - log_var.exp()).mean(0)
            for dimension, (nats, variance) in enumerate(zip(kl, mean.var(0), strict=True)):
                yield "kl", str(dimension), nats
                yield "variance", str(dimension), variance

    def gradients(self) -> dict[str, list[Tensor]]:
        """Return the gradients of each layer, for the objective that trains it."""
        found: dict[str, list[Tensor]] = {}
        parts = layers(self.model)
        for objective in self.arithmetic.objectives(self.model.labelled_objectives(self.images, self.labels)):
            # Differentiate by all trained parameters at once, then assign the gradients to their layers.
            trained = set(objective.trains.parameters())
            moved = {name: [value for value in layer.values() if value in trained] for name, layer in parts.items()}
            flat = [value for values in moved.values() for value in values]
            gradients = iter(torch.autograd.grad(objective.loss, flat, retain_graph=True))
            found |= {name: [next(gradients) for _ in values] for name, values in moved.items() if values}
        return found

    @torch.no_grad()
    def sampled(self) -> Images:
        """Return samples of the same noise at each call."""
        return self.model.sample(IMAGES, torch.Generator().manual_seed(SEED))

    def state(self) -> dict[str, Tensor]:
        """Return what a killed run needs to continue with the same diagnostics."""
        snapshots = {str(step): snapshot for step, snapshot in self.snapshots.items()}
        return named("checks", self.checks.state()) | named("snapshots", snapshots) | {"samples": self.samples}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state()` returned."""
        self.checks.restore(under("checks", state))
        snapshots = under("snapshots", state)
        self.snapshots = {step: snapshots[str(step)] for step in sorted(map(int, snapshots))}
        self.samples = state["samples"].to(self.model.device)


@contextlib.contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Run the code inside in eval mode and with its own randomness, then restore the previous state."""
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
    """Return the norms of the gradients of E log(1 - D(G(z))) and of -E log D(G(z)), whichever of them is minimised.

    Let a be D's logit for a fake. The gradient of a sample is that of a, times -D for the first loss and times D - 1
    for the second. If D gives all fakes the same probability, the ratio of the norms is D / (1 - D) (Arjovsky & Bottou,
    2017).
    """
    with arithmetic.autocast():
        logits = model.fake_logits(IMAGES)
    losses = {"saturating": logsigmoid(-logits).mean(), "nonsaturating": -logsigmoid(logits).mean()}
    parameters = list(model.generator.parameters())
    return {name: norm(torch.autograd.grad(loss, parameters, retain_graph=True)) for name, loss in losses.items()}


def layers(model: nn.Module) -> dict[str, dict[str, nn.Parameter]]:
    """Return the parameters of each module that owns some, by its name; those of `model` itself are under "model"."""
    found: dict[str, dict[str, nn.Parameter]] = {}
    for name, value in model.named_parameters():
        owner, parametrized, _ = name.partition(".parametrizations.")  # torch's name for parametrised weights
        layer = owner if parametrized else owner.rpartition(".")[0]
        found.setdefault(layer or "model", {})[name] = value
    return found


def norm(tensors: Iterable[Tensor]) -> Tensor:
    """Return the Euclidean norm of all tensors taken together."""
    return torch.stack([tensor.norm() for tensor in tensors]).norm()


def mean_distance(images: Images) -> Tensor:
    """Return the mean Euclidean distance, in pixels, between all pairs of images."""
    return nn.functional.pdist(images.flatten(1)).mean()
