"""The contract of tests/contract.py, asked of every family; and planted bugs, each of which it catches."""

from collections.abc import Callable, Iterator
from pathlib import Path

import contract
import pytest
import torch

from pipeline import families
from pipeline.models import family
from pipeline.models.base import Adversarial, Autoencoder, Objective, ObservationModel, TrainedModel, Variational
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae

ALL = families.names()
TRAINED = [name for name in ALL if issubclass(family(name), TrainedModel)]


def builder(name: str) -> contract.Build:
    return lambda: family(name)(family(name).Config())


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "promise",
    [
        contract.samples_are_images,
        contract.samples_follow_the_seed_and_nothing_else,
    ],
)
def test_every_family(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name))


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize(
    "promise",
    [
        contract.initial_weights_follow_the_seed,
        contract.training_follows_the_seed,
        contract.every_parameter_moves,
        contract.an_objective_moves_only_what_it_trains,
        contract.training_improves_every_objective,
        contract.evaluation_changes_nothing,
        contract.being_watched_changes_nothing,
    ],
)
def test_every_trained_family(name: str, promise: Callable[[contract.Build], None]) -> None:
    promise(builder(name))


@pytest.mark.parametrize("name", ALL)
def test_a_checkpoint_round_trips(name: str, tmp_path: Path) -> None:
    contract.a_checkpoint_round_trips(builder(name), name, tmp_path)


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family(name), Adversarial)])
def test_fakes_move_with_the_generator(name: str) -> None:
    contract.fakes_move_with_the_generator(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family(name), Variational)])
def test_codes_are_the_means_of_their_distributions(name: str) -> None:
    contract.codes_are_the_means_of_their_distributions(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family(name), Autoencoder)])
def test_codes_have_images_and_images_have_codes(name: str) -> None:
    contract.codes_have_images_and_images_have_codes(builder(name))


@pytest.mark.parametrize("name", [name for name in ALL if issubclass(family(name), ObservationModel)])
def test_draws_have_their_means(name: str) -> None:
    contract.draws_have_their_means(builder(name))


@pytest.mark.parametrize("name", ALL)
def test_the_file_alone_tells_the_capabilities_and_the_paragraph(name: str) -> None:
    declared = families.bases(name)
    for capability in (Adversarial, Autoencoder, ObservationModel, TrainedModel, Variational):
        assert (capability.__name__ in declared) == issubclass(family(name), capability)
    assert len(families.paragraph(name)) > 200


class StrayDetach(Vae):
    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        mean, log_var = self.encoder(images.flatten(1))
        z = mean.detach() + (0.5 * log_var.detach()).exp() * torch.randn_like(mean)
        logits = self.decoder(z)
        yield Objective(self, {"reconstruction": (logits.sigmoid() - images.flatten(1)).square().mean()})


class DetachedGenerator(Gan):
    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        moves = super().objectives(images)
        yield next(moves)
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
        for move in super().objectives(images):
            yield Objective(self, {"loss": (move.loss.detach() * 2 - move.loss)})


class FewerDraws(Vae):
    def observe(self, means: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        return (means > 0.5).float()


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
        (FewerDraws, contract.draws_have_their_means),
    ],
)
def test_the_contract_catches(broken: type[Vae | Gan], promise: Callable[[contract.Build], None]) -> None:
    with pytest.raises((AssertionError, RuntimeError)):
        promise(lambda: broken(broken.Config()))
