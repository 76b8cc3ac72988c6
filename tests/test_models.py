"""The contract of tests/contract.py, asked of every family; and planted bugs, each of which it catches."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import contract
import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from pipeline.core import artifacts, families
from pipeline.core.params import Compute, ParamsError, Samples
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.models.alpha_gan import AlphaGan
from pipeline.models.base import (
    Adversarial,
    Autoencoder,
    Conditional,
    Decoder,
    Density,
    DrawsInSteps,
    EnergyBased,
    HasParts,
    Marginal,
    Objective,
    ObservationModel,
    PixelwiseObservations,
    TrainedModel,
    Variational,
    count,
)
from pipeline.models.cgan import Cgan
from pipeline.models.common import architecture
from pipeline.models.common.checkpoint import read_model
from pipeline.models.common.loading import configured, family_class
from pipeline.models.conv_vae import ConvVae
from pipeline.models.cvae import Cvae
from pipeline.models.dcgan import Dcgan
from pipeline.models.gan import Gan, SpectralLinear
from pipeline.models.vae import Vae
from pipeline.models.wgan_gp import WganGp, gradient_penalty
from pipeline.stages import choose_labels, describe_networks, sample, train
from pipeline.stages.perfect_discriminator import beaten
from pipeline.training import loop
from pipeline.training.monitor import Monitor, layers

ALL = families.names()
SAMPLES = Samples(count=1100, draws=2)
TRAINED = [name for name in ALL if issubclass(family_class(name), TrainedModel)]
CONDITIONAL = [name for name in ALL if issubclass(family_class(name), Conditional)]


SMALL: dict[str, dict[str, Any]] = {  # settings with which a family learns in no time
    "bayes_net": {"trees": 2, "steps": 1},
    "gmm": {"components": 3, "factors": 2, "steps": 1},
    "hmm": {"states": 6},
    "pcfg": {"symbols": 6},
    "autoregressive": {"hidden": 60},
    "ebm": {"burn_in": 30, "thinning": 3},
    "flow": {"fine": 1, "coarse": 1, "fine_channels": 8, "coarse_channels": 8, "hidden": 32},
    "diffusion": {"channels": 8, "steps": 2},
}
INK = [
    name
    for name in ALL
    if issubclass(kind := family_class(name), Density) and (kind.support, kind.evidence) == ("ink", "exact")
]
MARGINAL = [name for name in INK if issubclass(family_class(name), Marginal)]


def builder(name: str, **settings: Any) -> contract.Build:
    return lambda: family_class(name)(family_class(name).Config(**SMALL.get(name, {}), **settings))


PROMISES = (
    contract.samples_are_images,
    contract.samples_follow_the_seed_and_nothing_else,
    contract.its_networks_can_be_described,
)
PROMISES_OF_TRAINED = (
    contract.initial_weights_follow_the_seed,
    contract.training_follows_the_seed,
    contract.every_parameter_moves,
    contract.every_parameter_moves_in_low_precision,
    contract.an_objective_moves_only_what_it_trains,
    contract.training_improves_every_objective,
    contract.evaluation_changes_nothing,
    contract.being_watched_changes_nothing,
    contract.a_step_can_be_recorded,
    contract.the_average_of_the_weights_is_a_model,
    contract.everything_lies_on_the_models_device,
)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("promise", PROMISES)
def test_every_family(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name))


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("promise", PROMISES_OF_TRAINED)
def test_every_trained_family(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name))


@pytest.mark.parametrize(
    "promise",
    [
        contract.every_parameter_moves_in_low_precision,
        contract.training_improves_every_objective,
        contract.evaluation_changes_nothing,
        contract.being_watched_changes_nothing,
        contract.a_step_can_be_recorded,
        contract.everything_lies_on_the_models_device,
        contract.fakes_move_with_the_generator,
    ],
)
def test_a_gan_with_spectral_norm(promise: Callable[[contract.Build], None]) -> None:
    promise(lambda: Gan(Gan.Config(spectral_norm=True)))


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_round_trips(name: str, tmp_path: Path) -> None:
    contract.a_checkpoint_round_trips(builder(name), name, tmp_path)


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), Adversarial)])
def test_fakes_move_with_the_generator(name: str) -> None:
    contract.fakes_move_with_the_generator(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), Variational)])
def test_codes_are_the_means_of_their_distributions(name: str) -> None:
    contract.codes_are_the_means_of_their_distributions(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), Autoencoder)])
def test_codes_have_images_and_images_have_codes(name: str) -> None:
    contract.codes_have_images_and_images_have_codes(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), Decoder)])
def test_samples_are_images_of_normal_codes(name: str) -> None:
    contract.samples_are_images_of_normal_codes(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), HasParts | DrawsInSteps)])
def test_exhibits_are_pictures(name: str) -> None:
    contract.exhibits_are_pictures(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family_class(name), PixelwiseObservations)])
def test_observations_have_their_means(name: str) -> None:
    contract.observations_have_their_means(builder(name))


@pytest.mark.parametrize("name", INK)
@pytest.mark.parametrize(
    "promise",
    [contract.all_images_together_have_probability_one, contract.samples_are_as_probable_as_the_entropy_says],
)
def test_every_exact_density_of_ink(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name, side=2))


@pytest.mark.parametrize("name", MARGINAL)
@pytest.mark.parametrize(
    "promise", [contract.hidden_pixels_are_summed_out, contract.completions_follow_the_conditional]
)
def test_every_density_with_hidden_pixels(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name, side=2))


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize(
    "promise", [contract.the_label_decides_its_own_image_only, contract.all_classes_are_drawn_alike]
)
def test_every_conditional_family(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name))


@pytest.mark.parametrize("name", CONDITIONAL)
def test_the_label_is_learned(name: str) -> None:
    """A game needs more steps than a test has: there, each player must be told the label."""
    if issubclass(family_class(name), Adversarial):
        contract.the_discriminator_is_told_the_class(builder(name))
    else:
        contract.samples_are_of_the_requested_class(builder(name))


@pytest.mark.parametrize("name", CONDITIONAL)
def test_a_conditional_model_takes_the_classes_of_the_data_set_and_no_others(name: str) -> None:
    config = configured(family_class(name), {"epochs": 3}, 4, f"models.{name}")
    assert config.model_dump()["classes"] == 4 and config.model_dump()["epochs"] == 3
    model = family_class(name)(config)
    images = model.sample_labelled(torch.arange(4), torch.Generator().manual_seed(0))
    assert images.shape == (4, 1, 28, 28)
    with pytest.raises(ParamsError, match=rf"models.{name}.classes: expected 4, as the data set has; found 10\. Leave"):
        configured(family_class(name), {"classes": 10}, 4, f"models.{name}")
    with pytest.raises(ValueError, match="is conditional: expected the label of each training image; found none"):
        loop.step(model, contract.digits(2), loop.Optimizers(model.config), contract.FLOAT32, [])


def test_the_settings_of_other_families_have_no_classes() -> None:
    assert "classes" not in configured(Vae, {"epochs": 3}, 4, "models.vae").model_dump()


@pytest.mark.parametrize("name", ALL)
def test_the_file_alone_tells_the_capabilities_and_the_paragraph(name: str) -> None:
    declared = families.bases(name)
    capabilities = (
        Adversarial,
        Autoencoder,
        Conditional,
        Density,
        EnergyBased,
        Marginal,
        ObservationModel,
        PixelwiseObservations,
    )
    for capability in (*capabilities, TrainedModel, Variational):
        assert (capability.__name__ in declared) == issubclass(family_class(name), capability)
    assert len(families.paragraph(name)) > 200


class StrayDetach(Vae):
    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        mean, log_var = self.encoder(images.flatten(1))
        z = mean.detach() + (0.5 * log_var.detach()).exp() * torch.randn_like(mean)
        logits = self.decoder(z)
        yield Objective(self, {"reconstruction": (logits.sigmoid() - images.flatten(1)).square().mean()})


class DetachedGenerator(Gan):
    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        yield next(super().objectives(images))
        fake = self.discriminator(self.generator(self.noise(len(images))).detach())
        yield Objective(self.generator, {"generator_loss": self.generator_loss(fake)})


class TooSmall(Gan):
    def sample(self, count: int, rng: torch.Generator):
        return super().sample(count, rng)[:, :, :27, :27]


class NotInRange(Gan):
    def sample(self, count: int, rng: torch.Generator):
        return super().sample(count, rng) * 2 - 1


class IgnoredSeed(Vae):
    def sample(self, count: int, rng: torch.Generator):
        return self.decode(torch.randn(count, self.config.latent)).detach()


class SameSeedAlways(Vae):
    def sample(self, count: int, rng: torch.Generator):
        return super().sample(count, torch.Generator().manual_seed(0))


class FrozenNoise(Gan):
    def noise(self, count: int) -> torch.Tensor:
        return torch.zeros(count, self.config.latent)

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        self.eval()
        return super().objectives(images)


class Ascent(Vae):
    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        for objective in super().objectives(images):
            yield Objective(self, {"loss": (objective.loss.detach() * 2 - objective.loss)})


class NoiseOnTheCpu(Gan):
    def noise(self, count: int) -> torch.Tensor:
        return torch.randn(count, self.config.latent, device="cpu")


class SamplesOnTheCpu(Vae):
    def sample(self, count: int, rng: torch.Generator):
        return torch.rand(count, 1, 28, 28, generator=rng)


class FewerObservations(Vae):
    def observe(self, means: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return (means > 0.5).float()


class IgnoredLabel(Cvae):
    def sample_labelled(self, labels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return super().sample_labelled(torch.zeros_like(labels), rng)


class LabelsOfOthers(Cvae):
    def objectives(self, images: torch.Tensor, labels: torch.Tensor) -> Iterator[Objective]:
        return super().objectives(images, labels.roll(1))


class BlindDiscriminator(Cgan):
    def logits(self, pixels: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return super().logits(pixels, torch.zeros_like(labels))


class FewClasses(Cvae):
    def sample(self, count: int, rng: torch.Generator):
        return self.sample_labelled(torch.randint(3, (count,), generator=rng), rng)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (StrayDetach, contract.every_parameter_moves),
        (DetachedGenerator, contract.an_objective_moves_only_what_it_trains),
        (TooSmall, contract.samples_are_images),
        (NotInRange, contract.samples_are_images),
        (IgnoredSeed, contract.samples_follow_the_seed_and_nothing_else),
        (SameSeedAlways, contract.samples_follow_the_seed_and_nothing_else),
        (FrozenNoise, contract.training_follows_the_seed),
        (Ascent, contract.training_improves_every_objective),
        (NoiseOnTheCpu, contract.everything_lies_on_the_models_device),
        (SamplesOnTheCpu, contract.everything_lies_on_the_models_device),
        (FewerObservations, contract.observations_have_their_means),
        (IgnoredLabel, contract.the_label_decides_its_own_image_only),
        (LabelsOfOthers, contract.samples_are_of_the_requested_class),
        (BlindDiscriminator, contract.the_discriminator_is_told_the_class),
        (FewClasses, contract.all_classes_are_drawn_alike),
    ],
)
def test_the_contract_catches(broken: type[Vae | Gan | Cvae | Cgan], promise: Callable[[contract.Build], None]) -> None:
    with pytest.raises((AssertionError, RuntimeError)):
        promise(lambda: broken(broken.Config()))


def test_the_evaluation_and_the_monitor_see_each_image_with_its_own_label() -> None:
    """By the divergence, which needs no randomness and has all the weight; almost no rate leaves the model as it is."""
    torch.manual_seed(0)
    model = Cvae(Cvae.Config(epochs=1, batch_size=100, lr=1e-12, beta=1e6))
    pixels, labels = as_pixels(contract.digits(250)), torch.randperm(250) % 10
    mean, log_var = model.encoder(torch.cat([pixels.flatten(1) / 255, torch.eye(10)[labels]], 1))
    nats = kl_divergence(Normal(mean, (log_var / 2).exp()), Normal(0.0, 1.0)).sum(1)
    assert loop.evaluate(model, pixels, labels).losses["kl"] == pytest.approx(1e6 * nats.mean().item(), rel=1e-5)
    monitor = Monitor(model, pixels, contract.FLOAT32, labels)
    loop.train(model, pixels, contract.FLOAT32, 0, lambda progress: None, None, monitor, labels)
    check = dict(zip(monitor.checks.columns, monitor.checks.rows[-1], strict=True))
    own = torch.autograd.grad(1e6 * nats[:100].mean(), list(model.encoder.log_var.parameters()))
    assert check["gradient encoder.log_var"] == pytest.approx(
        torch.cat([g.flatten() for g in own]).norm().item(), rel=1e-3
    )


# The families of the paper's next steps --------------------------------------------------------------------------


def test_the_convolutional_pair_is_a_fair_one() -> None:
    """As large codes, the same layers from a code to an image, and in all as many parameters within 20 %."""
    gan, vae = Dcgan(Dcgan.Config()), ConvVae(ConvVae.Config())
    shapes = [[value.shape for value in part.parameters()] for part in (gan.generator, vae.decoder)]
    assert shapes[0] == shapes[1] and gan.config.latent == vae.config.latent
    # By hand, layer by layer: weights, then two of each normalisation, then the bias of the last.
    assert count(gan.generator) == 100 * 128 * 49 + 2 * 128 + 128 * 64 * 16 + 2 * 64 + 64 * 16 + 1
    assert count(gan.discriminator) == 64 * 16 + 64 + 64 * 128 * 16 + 2 * 128 + 128 * 49 + 1
    assert 1 < count(vae) / count(gan) < 1.2


def test_a_dcgan_starts_as_its_authors_say() -> None:
    torch.manual_seed(0)
    model = Dcgan(Dcgan.Config())
    for name, value in model.named_parameters():
        if name.endswith("weight") and value.dim() == 4:
            assert abs(value.mean()) < 2e-3 and value.std().item() == pytest.approx(0.02, rel=0.05)
        elif name.endswith("weight"):
            assert value.mean().item() == pytest.approx(1, abs=0.01) and 0.01 < value.std() < 0.03
        else:
            assert not value.any()


def test_a_dcgan_judges_real_images_apart_from_fakes_and_draws_each_image_by_itself() -> None:
    torch.manual_seed(0)
    model = Dcgan(Dcgan.Config())
    seen = []
    for _ in range(2):
        seen.append(next(contract.objectives_of(model.train(), contract.digits(8))).logged)
        for parameter in model.generator.parameters():
            parameter.data.mul_(3)
    assert torch.equal(seen[0]["D_real"], seen[1]["D_real"]) and not torch.equal(seen[0]["D_fake"], seen[1]["D_fake"])
    draw, z = model.eval().generator, torch.randn(20, 100)
    torch.testing.assert_close(draw(z)[:5], draw(z[:5]), rtol=0, atol=1e-5)


def test_alpha_gan_descends_the_losses_of_its_paper() -> None:
    torch.manual_seed(0)
    model, images = AlphaGan(AlphaGan.Config(reconstruction=3.0)).eval(), contract.digits(16)
    for parameter in [*model.discriminator.parameters(), *model.code_discriminator.parameters()]:
        parameter.data.mul_(1.5)  # so that its judgements differ
    torch.manual_seed(1)
    found = [objective.loss.item() for objective in model.objectives(images)]
    torch.manual_seed(1)
    prior, later = torch.randn(16, 16), torch.randn(16, 16)
    model.double()
    with torch.no_grad():
        x = (2 * images - 1).flatten(1).double()
        codes = model.encoder(x)
        copies = model.generator(codes)
        real, copied, made, made_later = (
            model.discriminator(pixels).sigmoid()
            for pixels in (x, copies, model.generator(prior.double()), model.generator(later.double()))
        )
        of_prior, of_codes = (model.code_discriminator(z).sigmoid() for z in (prior.double(), codes))
    distance = 3 * (x - copies).abs().mean()
    expected = [
        -real.log().mean() - (1 - copied).log().mean() / 2 - (1 - made).log().mean() / 2,
        -of_prior.log().mean() - (1 - of_codes).log().mean(),
        distance + ((1 - of_codes).log() - of_codes.log()).mean(),
        distance
        + ((1 - copied).log() - copied.log()).mean() / 2
        + ((1 - made_later).log() - made_later.log()).mean() / 2,
    ]
    np.testing.assert_allclose(found, [value.item() for value in expected], rtol=1e-5)


def test_the_gradient_penalty_of_a_linear_critic_and_its_gradient_are_known() -> None:
    critic = torch.nn.Linear(2, 1)
    critic.weight.data = torch.tensor([[3.0, 4.0]])  # of norm 5
    penalty = gradient_penalty(critic, torch.rand(7, 2), torch.rand(7, 2))
    assert penalty.item() == pytest.approx((5 - 1) ** 2)
    (found,) = torch.autograd.grad(penalty, critic.weight)
    torch.testing.assert_close(found, 2 * (5 - 1) * critic.weight / 5)


def test_the_gradient_penalty_is_taken_anywhere_between_the_two_images() -> None:
    """With f(x) = |x|^2 / 2 the slope at a place t of the way from 0 to 2 is 2t, and the mean of (2t - 1)^2 is 1/3."""

    class Squares(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square().sum(1, keepdim=True) / 2

    torch.manual_seed(0)
    reals, fakes = torch.zeros(100000, 1), torch.full((100000, 1), 2.0)
    assert gradient_penalty(Squares(), reals, fakes).item() == pytest.approx(1 / 3, abs=0.005)


def test_the_critic_steps_five_times_each_on_images_of_its_own() -> None:
    torch.manual_seed(0)
    model, seen = WganGp(WganGp.Config()), []
    model.discriminator.register_forward_hook(lambda module, given, made: seen.append(given[0]))
    images = contract.digits(50)
    objectives = list(model.train().objectives(images))
    assert [objective.trains for objective in objectives] == [model.discriminator] * 5 + [model.generator]
    reals = torch.cat([both[:10] for both in seen[:-1:2]])  # each looks at the images, then between them
    assert torch.equal(reals, (2 * images - 1).flatten(1))
    assert len(list(model.eval().objectives(images))) == 2


def test_where_the_critic_is_zero_changes_nothing() -> None:
    class Shifted(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 40

    found = []
    for added in ([], [Shifted()]):
        torch.manual_seed(0)
        model = WganGp(WganGp.Config()).eval()
        model.discriminator.extend(added)
        critic, generator = model.objectives(contract.digits(20))
        found.append([*critic.losses.values(), *critic.logged.values(), *generator.losses.values()])
        # Half of the distance, but for the two sets of fakes.
        assert generator.loss.item() == pytest.approx(-critic.losses["critic_loss"].item() / 2, abs=0.01)
    torch.testing.assert_close(*found, rtol=0, atol=1e-4)


def test_spectral_norm_is_torch_s_own() -> None:
    """Outputs, and the gradient through the norm, once both have found the largest singular value."""
    torch.manual_seed(0)
    layer, plain, x = SpectralLinear(30, 20), torch.nn.Linear(30, 20), torch.randn(5, 30)
    plain.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    oracle = torch.nn.utils.parametrizations.spectral_norm(plain, n_power_iterations=300)
    for _ in range(300):
        layer(x)
    outputs = layer(x), oracle(x)
    torch.testing.assert_close(*outputs)
    own = torch.autograd.grad(outputs[0].square().sum(), layer.weight)
    torchs = torch.autograd.grad(outputs[1].square().sum(), oracle.parametrizations["weight"].original)
    torch.testing.assert_close(own, torchs, rtol=1e-4, atol=1e-5)


def test_an_average_of_weights_has_a_spectral_norm_near_one_too() -> None:
    """Though its `u` is an average of vectors that pointed elsewhere each time."""
    torch.manual_seed(0)
    layer = SpectralLinear(30, 20)
    average = loop.Average(layer, decay=0.9)
    for _ in range(100):
        torch.nn.init.normal_(layer.weight)
        layer(torch.randn(5, 30))
        average.update()
    average.install()
    assert layer.u.norm() < 0.6
    scaled = layer.eval()(torch.eye(30)) - layer.bias
    assert 1 <= torch.linalg.matrix_norm(scaled, 2) < 1.7


def test_a_discriminator_with_spectral_norm_stretches_nothing() -> None:
    torch.manual_seed(0)
    model = Gan(Gan.Config(spectral_norm=True))
    for parameter in model.discriminator.parameters():
        parameter.data.mul_(10)
    x, y = torch.randn(2, 500, 784)
    for _ in range(50):
        model.discriminator(x)
    model.eval()
    stretch = (model.discriminator(x) - model.discriminator(y)).abs().squeeze() / (x - y).norm(dim=1)
    assert stretch.max() <= 1


def test_layers_whose_weights_torch_computes_from_others_are_layers_like_any() -> None:
    plain, parametrized = Vae(Vae.Config()), Vae(Vae.Config())
    torch.nn.utils.parametrizations.orthogonal(parametrized.encoder.trunk[0])
    assert architecture.describe(parametrized) == architecture.describe(plain)
    assert list(layers(parametrized)) == list(layers(plain))
    assert sum(map(len, layers(parametrized).values())) == len(list(parametrized.parameters()))


# The stages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three classes, of which the last has half of all training images."""
    pixels, labels = as_pixels(contract.digits(200)).numpy(), np.array([0, 1, 2, 2] * 50)
    path = tmp_path / "images.npz"
    write_dataset(path, Dataset(pixels[:160], labels[:160], pixels[160:], labels[160:], ["a", "b", "c"]))
    return path


def train_stage(dataset: Path, name: str, settings: dict[str, Any] | None = None) -> Path:
    folder = dataset.parent
    train.main(
        name=name,
        family=name,
        settings=settings or {"epochs": 1},
        compute=Compute(device="cpu", precision="float32", threads=1),
        seed=3,
        dataset_file=dataset,
        resume_file=folder / "resume",
        checkpoint_file=folder / "checkpoint",
        history_file=folder / "history",
        diagnostics_file=folder / "diagnostics",
        snapshots_file=folder / "snapshots.npz",
        record_file=folder / "record",
    )
    return folder


def sample_stage(folder: Path, requested: Path | None = None) -> dict[str, np.ndarray]:
    sample.main(
        samples=SAMPLES,
        seed=5,
        checkpoint_file=folder / "checkpoint",
        requested_file=requested,
        samples_file=folder / "samples.npz",
    )
    return artifacts.read_arrays(folder / "samples.npz")


@pytest.mark.parametrize("name", CONDITIONAL)
def test_of_a_conditional_model_labels_are_requested_that_are_as_frequent_as_in_training(
    name: str, dataset: Path
) -> None:
    folder = train_stage(dataset, name)
    settings = artifacts.read_json(folder / "record")["config"]
    assert settings["classes"] == 3 and settings["epochs"] == 1
    file = folder / "requested.npz"
    choose_labels.main(samples=SAMPLES, seed=5, dataset_file=dataset, requested_file=file)
    requested = artifacts.read_arrays(file)["labels"]
    assert requested.shape == (2200,) and requested.dtype == np.int64
    assert np.abs(np.bincount(requested) - [550, 550, 1100]).max() < 4 * 550**0.5
    arrays = sample_stage(folder, file)
    model, rng = read_model(folder / "checkpoint"), torch.Generator().manual_seed(5)
    assert isinstance(model, Conditional)
    expected = torch.cat([model.sample_labelled(labels, rng) for labels in torch.from_numpy(requested).split(1000)])
    # The batch size may change the last bit of a product, and so one level of a pixel.
    assert np.abs(arrays["images"].astype(int) - as_pixels(expected).numpy()).max() <= 1
    assert list(arrays) == ["images", *(["observations"] if isinstance(model, ObservationModel) else [])]
    choose_labels.main(samples=SAMPLES, seed=6, dataset_file=dataset, requested_file=file)
    assert (artifacts.read_arrays(file)["labels"] != requested).any()


def test_labels_that_do_not_fit_the_samples_are_refused(dataset: Path) -> None:
    folder = train_stage(dataset, "cvae")
    with pytest.raises(ValueError, match="checkpoint is of a conditional model: expected --requested"):
        sample_stage(folder)
    artifacts.write_arrays(folder / "requested.npz", labels=np.zeros(7, np.int64))
    with pytest.raises(
        ValueError, match=r"requested.npz should hold 2200 labels, one a sample; found 7\. Make it anew"
    ):
        sample_stage(folder, folder / "requested.npz")


def test_a_number_of_classes_that_the_data_set_has_not_ends_the_training(dataset: Path) -> None:
    with pytest.raises(ParamsError, match=r"models\.cvae\.classes: expected 3, as the data set has; found 10"):
        train_stage(dataset, "cvae", {"epochs": 1, "classes": 10})


@pytest.mark.parametrize("name", CONDITIONAL)
def test_the_layers_are_those_for_the_classes_of_the_data_set(name: str, dataset: Path) -> None:
    file = dataset.parent / "networks"
    describe_networks.main(name=name, family=name, settings={}, dataset_file=dataset, networks_file=file)
    networks = {network["name"]: network for network in artifacts.read_json(file)["networks"]}
    first = {name: network["layers"][0]["in"] for name, network in networks.items()}
    assert first == ({"generator": 131, "discriminator": 787} if name == "cgan" else {"encoder": 787, "decoder": 5})


def test_a_fresh_discriminator_that_is_told_the_class_beats_a_conditional_generator() -> None:
    torch.manual_seed(0)
    model, labels = Cgan(Cgan.Config(classes=3, lr=1e-3)), torch.arange(400) % 3
    rows = list(itertools.islice(beaten(model, as_pixels(contract.digits(400)), contract.FLOAT32, labels), 20))
    assert rows[-1]["D_right"] > 0.99 and rows[-1]["saturating"] < 0.1 * rows[0]["saturating"]
