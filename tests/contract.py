"""What every family promises. `test_models.py` asks it of each file in pipeline/models/."""

import copy
import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import MagicMock, patch

import torch
from cpu_graphs import CpuGraphs
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import as_pixels
from pipeline.models.base import (
    Adversarial,
    Autoencoder,
    Conditional,
    Decoder,
    Density,
    DrawsInSteps,
    FittedModel,
    GenerativeModel,
    HasParts,
    Marginal,
    Objective,
    ObservationModel,
    PixelwiseObservations,
    TrainedModel,
    Variational,
)
from pipeline.models.common import architecture
from pipeline.models.common.checkpoint import read_model, write_model
from pipeline.training import loop
from pipeline.training.monitor import Monitor

FLOAT32 = Arithmetic(torch.device("cpu"), "float32", 1)
Build = Callable[[], GenerativeModel]


def digits(count: int, seed: int = 0) -> torch.Tensor:
    """Images with structure and noise, (count, 1, 28, 28)."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 1, 7, 7, generator=rng)
    return nn.functional.interpolate(coarse, scale_factor=4).clamp(0, 1)


def built(build: Build, seed: int = 0) -> GenerativeModel:
    """A new model; one that is fitted is fitted."""
    torch.manual_seed(seed)
    model = build()
    if isinstance(model, FittedModel):
        model.fit(digits(200), torch.Generator().manual_seed(seed), lambda *told: None)
    return model


def patterns(pixels: int) -> torch.Tensor:
    """All images of so few pixels, each 0 or 1, (2^pixels, pixels)."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=pixels)))


def tiny(build: Build) -> tuple[GenerativeModel, torch.Tensor]:
    """A family of images of 2 x 2 pixels that has learned from some, and all binary images of that size."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    grey = torch.rand(64, 1, 1, 1, generator=rng) * torch.tensor([[1.0, 0.8], [0.1, 0.6]])
    images = (grey + torch.rand(64, 1, 2, 2, generator=rng) / 2).clamp(0, 1)
    model = build()
    if isinstance(model, FittedModel):
        model.fit(images, rng, lambda *told: None)
    elif isinstance(model, TrainedModel):
        model.begin(images, rng)
        optimizers = loop.Optimizers(model.config)
        for _ in range(200):
            loop.step(model, images, optimizers, FLOAT32, [])
    return model.eval(), patterns(4).view(-1, 1, 2, 2)


def all_images_together_have_probability_one(build: Build) -> None:
    """Of an exact density of binary images."""
    model, images = tiny(build)
    assert isinstance(model, Density)
    probability = model.log_prob(images, torch.Generator().manual_seed(0)).exp()
    assert abs(probability.sum().item() - 1) < 1e-4
    assert probability.max() > 1.5 * probability.mean(), "it should have learned that some images are more frequent"


def hidden_pixels_are_summed_out(build: Build) -> None:
    """For each choice of known pixels, the probability is the sum over what the hidden ones may be."""
    model, images = tiny(build)
    assert isinstance(model, Marginal)
    rng = torch.Generator().manual_seed(0)
    whole = model.log_prob(images, rng).exp().detach()
    for known in patterns(4).view(-1, 1, 2, 2):
        found = model.log_prob(images, rng, known.expand_as(images)).exp().detach()
        alike = ((images[:, None] - images[None]) * known == 0).flatten(2).all(dim=2)
        torch.testing.assert_close(found, alike.float() @ whole, atol=1e-4, rtol=1e-4)


def completions_follow_the_conditional(build: Build) -> None:
    """Known pixels stay, and hidden ones are drawn as often as the probabilities of whole images say."""
    model, images = tiny(build)
    assert isinstance(model, Marginal)
    rng, count = torch.Generator().manual_seed(0), 4000
    whole = model.log_prob(images, rng).exp().detach()
    known = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).view(1, 1, 2, 2)
    for given in (images[1], images[8]):
        drawn = model.complete(given.expand(count, -1, -1, -1), known.expand(count, -1, -1, -1), rng)
        assert torch.equal(drawn * known, (given * known).expand_as(drawn))
        alike = ((images - given) * known == 0).flatten(1).all(dim=1)
        expected = torch.where(alike, whole, 0) / whole[alike].sum()
        found = (drawn[:, None] == images[None]).flatten(2).all(dim=2).float().mean(dim=0)
        assert found.sum() > 0.999 and (found - expected).abs().max() < 0.04


def samples_are_as_probable_as_the_entropy_says(build: Build) -> None:
    """The mean log-probability of ink from the model is minus its entropy, which all images together give."""
    model, images = tiny(build)
    assert isinstance(model, Density) and isinstance(model, ObservationModel)
    rng, count = torch.Generator().manual_seed(0), 8000
    log_p = model.log_prob(images, rng).detach().double()
    drawn = model.sample_observed(count, rng)[1]
    found = model.log_prob(drawn, rng).detach().double()
    assert abs(found.mean() - (log_p.exp() * log_p).sum()) < 5 * found.std() / count**0.5
    frequencies = (drawn[:, None] == images[None]).flatten(2).all(dim=2).double().mean(dim=0)
    assert (frequencies - log_p.exp()).abs().max() < 0.03


def sample(model: GenerativeModel, count: int = 20, seed: int = 0) -> torch.Tensor:
    return model.eval().sample(count, torch.Generator().manual_seed(seed))


def labels(model: GenerativeModel, count: int) -> torch.Tensor | None:
    """Every class in turn, for a conditional model."""
    return torch.arange(count) % model.config.classes if isinstance(model, Conditional) else None


def objectives_of(model: TrainedModel, images: torch.Tensor) -> Iterator[Objective]:
    return model.labelled_objectives(images, labels(model, len(images)))


def samples_are_images(build: Build) -> None:
    images = sample(built(build), 7)
    assert images.shape == (7, 1, 28, 28) and images.dtype == torch.float32
    assert images.isfinite().all() and images.min() >= 0 and images.max() <= 1
    assert not images.requires_grad
    assert sample(built(build), 1).shape == (1, 1, 28, 28)


def samples_follow_the_seed_and_nothing_else(build: Build) -> None:
    model = built(build)
    torch.manual_seed(1)
    first = sample(model)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(first, sample(model)), "the same seed should give the same samples"
    assert torch.equal(state, torch.get_rng_state()), "sampling should leave the global generator alone"
    assert not torch.equal(first, sample(model, seed=1)), "another seed should give other samples"
    assert len(first.flatten(1).unique(dim=0)) == len(first), "samples of one seed should differ"


def initial_weights_follow_the_seed(build: Build) -> None:
    first, again, other = (built(build, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def training_follows_the_seed(build: Build) -> None:
    first, again, other = (losses(built(build), seed) for seed in (0, 0, 1))
    assert first == again, "the same seed should give the same losses"
    assert first != other, "another seed should give other losses"


def losses(model: TrainedModel, seed: int) -> list[float]:
    """After one step: before it, noise may cancel out of the loss of a flow."""
    torch.manual_seed(seed)
    loop.step(model.train(), digits(16), loop.Optimizers(model.config), FLOAT32, [], labels(model, 16))
    return [objective.loss.item() for objective in objectives_of(model.train(), digits(16))]


def every_parameter_moves(build: Build, arithmetic: Arithmetic = FLOAT32) -> None:
    model = built(build)
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizers = loop.Optimizers(model.config)
    for seed in range(3):  # a unit that is off for one batch is on for another
        loop.step(model.train(), digits(64, seed), optimizers, arithmetic, [], labels(model, 64))
    stuck = [name for name, value in model.named_parameters() if torch.equal(before[name], value)]
    assert not stuck, f"these parameters never move: {stuck}"


def every_parameter_moves_in_low_precision(build: Build) -> None:
    """Where products come in bfloat16, for which torch lacks some functions, and some second derivatives."""
    every_parameter_moves(build, Arithmetic(torch.device("cpu"), "bfloat16", 1))


def an_objective_moves_only_what_it_trains(build: Build) -> None:
    model = built(build)
    for objective in objectives_of(model.train(), digits(8)):
        mine = set(objective.trains.parameters())
        assert mine and mine <= set(model.parameters())
        assert all(value.dim() == 0 for value in [*objective.losses.values(), *objective.logged.values()])
        gradients = torch.autograd.grad(objective.loss, list(mine), allow_unused=True)
        assert all(gradient is not None for gradient in gradients)


def training_improves_every_objective(build: Build) -> None:
    """Each objective falls where only its own module moves."""
    count = len(list(objectives_of(built(build), digits(4))))
    for index in range(count):
        model = built(build)
        before = nth_objective(model, index).loss.item()
        for step in range(20):
            objective = nth_objective(model, index, seed=step, images=64)
            objective.loss.backward(inputs=(parameters := list(objective.trains.parameters())))
            with torch.no_grad():
                for parameter in parameters:
                    parameter -= 0.01 * parameter.grad / (parameter.grad.norm() + 1e-12)
                    parameter.grad = None
        after = nth_objective(model, index).loss.item()
        assert after < before, f"objective {index} went from {before:.4f} to {after:.4f}"


def nth_objective(model: TrainedModel, index: int, seed: int = 0, images: int = 256) -> Objective:
    """In training mode: only there are the means that a batch is normalised by those of the weights as they are."""
    torch.manual_seed(seed)
    return next(itertools.islice(objectives_of(model.train(), digits(images)), index, None))


def everything_lies_on_the_models_device(build: Build) -> None:
    """On a device that has shapes but no numbers (so no autocast), where nothing may meet what lies on the CPU."""
    allowed = patch("torch._functorch.config.fake_tensor_allow_meta", True)
    with allowed, patch("torch.autocast", MagicMock()), FakeTensorMode(allow_non_fake_inputs=True):
        with torch.device("meta"):
            model, images = build(), torch.rand(8, 1, 28, 28)
        told = labels(model, 8)
        for objective in model.train().labelled_objectives(images, told if told is None else told.to("meta")):
            objective.loss.backward(inputs=list(objective.trains.parameters()))
            assert all(
                value.device.type == "meta" for value in [*objective.losses.values(), *objective.logged.values()]
            )
        assert sample(model).device.type == "meta"


def a_checkpoint_round_trips(build: Build, family: str, folder: Path) -> None:
    model = built(build)
    write_model(folder / "model.safetensors", model, family, {"seed": "0"})
    again = read_model(folder / "model.safetensors")
    assert type(again) is type(model) and again.config == model.config
    assert torch.equal(sample(model), sample(again))


def evaluation_changes_nothing(build: Build) -> None:
    model = built(build).eval()
    before = copy.deepcopy(model.state_dict())
    found = loop.evaluate(model, (digits(32) * 255).byte().squeeze(1), labels(model, 32))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert sorted(found.losses) == sorted(name for names in found.objectives.values() for name in names)


def being_watched_changes_nothing(build: Build) -> None:
    finished = []
    for watched in (False, True):
        model, pixels = built(build), (digits(64) * 255).byte().squeeze(1)
        model.config = model.config.model_copy(update={"epochs": 3})
        told = labels(model, 64)
        monitor = Monitor(model, pixels, FLOAT32, told) if watched else None
        history = loop.train(model, pixels, FLOAT32, 0, lambda progress: None, None, monitor, told)
        finished.append((history.rows, torch.get_rng_state(), *model.state_dict().values()))
    for plain, seen in zip(*finished, strict=True):
        assert plain == seen if isinstance(plain, list) else torch.equal(plain, seen)
    assert monitor is not None and len(monitor.checks.rows) >= 1
    assert all(math.isfinite(value) for row in monitor.checks.rows for value in row)


def a_step_can_be_recorded(build: Build) -> None:
    """As a CUDA graph: replays end at the bits of the steps themselves, in what is kept and in what is watched."""
    ends, graphs = [], CpuGraphs()
    for recorder in (None, graphs):
        model = built(build)
        model.config = model.config.model_copy(update={"batch_size": 16, "epochs": 5, "ema": 0.9})
        pixels, told = as_pixels(digits(24)), labels(model, 24)  # 16 and 8
        monitor = Monitor(model, pixels, FLOAT32, told)
        monitor.every = 3
        history = loop.train(model, pixels, FLOAT32, 0, lambda progress: None, None, monitor, told, recorder)
        ends.append((history.rows, monitor.checks.rows, model.state_dict()))
    assert not graphs.said, graphs.said[0]
    assert (graphs.recorded, graphs.replayed) == (2, 4), "all but three steps of each size should be replayed"
    assert ends[0][:2] == ends[1][:2], "replays should log what steps log"
    assert all(torch.equal(value, ends[1][2][name]) for name, value in ends[0][2].items())


def the_average_of_the_weights_is_a_model(build: Build) -> None:
    model = built(build)
    model.config = model.config.model_copy(update={"epochs": 2, "batch_size": 32, "ema": 0.9})
    told = labels(model, 64)
    loop.train(model, as_pixels(digits(64)), FLOAT32, 0, lambda progress: None, labels=told)
    assert all(value.isfinite().all() for value in model.state_dict().values())
    samples_are_images(lambda: model)


def fakes_move_with_the_generator(build: Build) -> None:
    model = built(build)
    assert isinstance(model, Adversarial)
    logits = model.fake_logits(5)
    assert logits.shape == (5, 1) and logits.dtype == torch.float32
    gradients = torch.autograd.grad(logits.sum(), list(model.generator.parameters()))
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    logged = {name for objective in objectives_of(model, digits(4)) for name in [*objective.losses, *objective.logged]}
    assert {"D_real", "D_fake", "D_right", "generator_loss"} <= logged


def codes_are_the_means_of_their_distributions(build: Build) -> None:
    model = built(build)
    assert isinstance(model, Variational)
    mean, log_var = model.posterior(digits(5))
    assert torch.equal(mean, model.encode(digits(5)))
    assert mean.shape == log_var.shape and mean.dtype == log_var.dtype == torch.float32


def codes_have_images_and_images_have_codes(build: Build) -> None:
    model = built(build)
    assert isinstance(model, Autoencoder)
    codes = model.encode(digits(5))
    assert codes.shape[0] == 5 and codes.dim() == 2
    images = model.decode(codes)
    assert images.shape == (5, 1, 28, 28) and images.min() >= 0 and images.max() <= 1


def samples_are_images_of_normal_codes(build: Build) -> None:
    """And an image has a gradient by its code."""
    model = built(build).eval()
    assert isinstance(model, Decoder)
    codes = torch.randn(6, model.config.latent, generator=torch.Generator().manual_seed(3)).requires_grad_()
    images = model.decode(codes)
    torch.testing.assert_close(images, sample(model, 6, seed=3))
    assert torch.autograd.grad(images.sum(), codes)[0].abs().amax(1).min() > 0


def observations_have_their_means(build: Build) -> None:
    model = built(build)
    assert isinstance(model, PixelwiseObservations)
    means = digits(1).expand(4000, -1, -1, -1)
    observations = model.observe(means, torch.Generator().manual_seed(0))
    assert observations.shape == means.shape and observations.min() >= 0 and observations.max() <= 1
    assert (observations.mean(0) - means[0]).abs().max() < 0.05
    assert torch.equal(observations, model.observe(means, torch.Generator().manual_seed(0)))
    assert not torch.equal(observations, model.observe(means, torch.Generator().manual_seed(1)))


def the_label_decides_its_own_image_only(build: Build) -> None:
    model = built(build).eval()
    assert isinstance(model, Conditional)

    def requested(*classes: int) -> torch.Tensor:
        return model.sample_labelled(torch.tensor(classes), torch.Generator().manual_seed(0))

    images, again, other = requested(0, 1, 1), requested(0, 1, 1), requested(0, 1, 0)
    assert images.shape == (3, 1, 28, 28) and images.min() >= 0 and images.max() <= 1 and not images.requires_grad
    assert torch.equal(images, again), "the same labels and seed should give the same images"
    assert torch.equal(images[:2], other[:2]), "a label should leave the other images alone"
    assert not torch.equal(images[2], other[2]), "another label should give another image"


def samples_are_of_the_requested_class(build: Build) -> None:
    """After 120 steps on noise of which one half, that the class names, is brighter."""
    model = built(build)
    assert isinstance(model, Conditional)
    model.config = model.config.model_copy(update={"epochs": 1, "batch_size": 32, "lr": 1e-3})
    told, upper = torch.arange(32 * 120) % 2, torch.arange(28)[:, None].expand(28, 28) < 14
    bright = torch.where(told.bool()[:, None, None], upper, ~upper)
    noise = torch.rand(len(told), 28, 28, generator=torch.Generator().manual_seed(0))
    loop.train(model, as_pixels((noise / 2 + bright * 0.4)[:, None]), FLOAT32, 0, lambda progress: None, labels=told)
    images = model.sample_labelled(told[:100], torch.Generator().manual_seed(0))
    found = images[:, :, :14].mean((1, 2, 3)) > images[:, :, 14:].mean((1, 2, 3))
    share = (found == told[:100].bool()).float().mean()
    assert share > 0.95, f"only {share:.0%} of the samples are of the requested class"


def the_discriminator_is_told_the_class(build: Build) -> None:
    """Of fakes that no longer depend on theirs."""
    model = built(build).eval()
    assert isinstance(model, Conditional) and isinstance(model, Adversarial)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.zero_()
        found = [
            [objective.loss for objective in model.objectives(digits(8), torch.full((8,), label))] for label in (0, 1)
        ]
    assert all(one != other for one, other in zip(*found, strict=True)), "its output should depend on the label"


def all_classes_are_drawn_alike(build: Build) -> None:
    model, requested = built(build), []
    assert isinstance(model, Conditional)
    draw = model.sample_labelled
    model.sample_labelled = lambda labels, rng: requested.append(labels) or draw(labels, rng)  # type: ignore[method-assign]
    assert sample(model, 2000).shape == (2000, 1, 28, 28)
    counts = torch.cat(requested).bincount(minlength=model.config.classes)
    assert counts.sum() == 2000 and (counts - 200).abs().max() < 5 * 200**0.5


def exhibits_are_pictures(build: Build) -> None:
    """Of what the model has learned, or of how it draws an image; the same seed gives the same picture."""
    model = built(build).eval()
    if isinstance(model, TrainedModel):
        model.begin(digits(200), torch.Generator().manual_seed(0))
    methods = [model.parts] if isinstance(model, HasParts) else []
    methods += [model.drawing] if isinstance(model, DrawsInSteps) else []
    assert methods
    for method in methods:
        shown, again = (method(torch.Generator().manual_seed(0)) for _ in range(2))
        assert shown.images.dim() == 4 and 1 <= shown.images.shape[1] <= 10
        assert shown.images.min() >= 0 and shown.images.max() <= 1 and shown.images.std() > 0.01
        assert torch.equal(shown.images, again.images)
        assert shown.title and not shown.title.endswith(".") and shown.caption.endswith(".")


def its_networks_can_be_described(build: Build) -> None:
    """As the report's tables of layers: each network has some, and all numbers are plain."""
    networks = architecture.describe(build())
    assert all(network["layers"] and network["parameters"] for network in networks)
    assert json.loads(json.dumps(networks)) == networks
