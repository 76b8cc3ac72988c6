"""Each alarm fires where a training is broken in its way, and not where it is sound."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from contract import FLOAT32, digits
from torch import nn
from torch.nn.functional import softplus

from pipeline.analysis import alarms
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.models.base import Adversarial, Objective, TrainedModel, TrainingConfig
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages.train import by_step, tidy
from pipeline.training import loop
from pipeline.training.monitor import Monitor

SEEDS = [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))]
NO_SHARES = pd.DataFrame(columns=["step", "label", "share"])


def trained(kind: type[TrainedModel], pixels: torch.Tensor, seed: int = 0, **settings) -> alarms.Trained:
    torch.manual_seed(seed)
    model = kind(kind.Config(**settings))
    monitor = Monitor(model, pixels, FLOAT32)
    history = loop.train(model, pixels, FLOAT32, seed, lambda progress: None, monitor=monitor)
    return alarms.Trained(by_step(history), tidy(monitor.checks), NO_SHARES)


def kinds(found: alarms.Trained) -> set[str]:
    return {alarm.kind for alarm in alarms.find(found)}


# Trainings that die, and trainings that live ----------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_the_saturating_generator_s_gradient_vanishes_and_the_nonsaturating_one_s_does_not(
    mnist: Dataset, seed: int
) -> None:
    """Figures 3 and 4 of the paper: within 120 steps the saturating loss is flat and its gradient is gone."""
    pixels = torch.from_numpy(mnist.train_images[: 120 * 64])
    settings = {"epochs": 1, "batch_size": 64}
    dead = trained(Gan, pixels, seed, loss="saturating", **settings)
    assert kinds(dead) == {"vanishing gradient"}
    assert dead.history["generator_loss"].tail(20).abs().max() < 1e-3
    alive = trained(Gan, pixels, seed, loss="nonsaturating", **settings)
    assert kinds(alive) == set()
    assert dead.gradient("generator").iloc[-1] < 1e-2 * alive.gradient("generator").iloc[-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_heavy_beta_collapses_the_posterior_and_the_paper_s_does_not(mnist: Dataset, seed: int) -> None:
    pixels = torch.from_numpy(mnist.train_images[:6000])
    assert "posterior collapse" in kinds(trained(Vae, pixels, seed, epochs=2, beta=100))
    assert "posterior collapse" not in kinds(trained(Vae, pixels, seed, epochs=2))


class Collapsed(Gan):
    """Whatever the noise, nearly the same image."""

    def noise(self, count: int) -> torch.Tensor:
        return 1e-3 * super().noise(count)

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return super().sample(1, rng).expand(count, -1, -1, -1)


def test_a_generator_of_one_image_has_collapsed() -> None:
    found = trained(Collapsed, as_pixels(digits(500)), epochs=3, batch_size=50)
    assert "mode collapse" in kinds(found)


def test_a_generator_that_no_step_moves_is_frozen() -> None:
    pixels = as_pixels(digits(500))
    assert "frozen generator" in kinds(trained(Gan, pixels, epochs=2, batch_size=50, lr=1e-9))
    assert "frozen generator" not in kinds(trained(Gan, pixels, epochs=2, batch_size=50))
    assert kinds(trained(Vae, pixels, epochs=2, batch_size=50, lr=1e-9)) <= {"mode collapse", "posterior collapse"}


class Dirac(TrainedModel, Adversarial):
    """One grey level against a linear discriminator: without help they circle for ever (Mescheder et al., 2018)."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(config)
        self.generator, self.discriminator = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)

    def fake_logits(self, count: int) -> torch.Tensor:
        return self.discriminator(self.generator(torch.ones(count, 1)))

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        real, fake = torch.zeros(1), self.fake_logits(len(images))
        watch = {"D_real": real.sigmoid().mean(), "D_fake": fake.sigmoid().mean(), "D_right": (fake < 0).float().mean()}
        yield Objective(self.discriminator, {"fake_loss": softplus(fake).mean()}, watch)
        yield Objective(self.generator, {"generator_loss": softplus(-self.fake_logits(len(images))).mean()})

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        level = self.generator.weight.detach().sigmoid().view(1, 1, 1, 1)
        return level.expand(count, 1, 28, 28) * torch.rand(count, 1, 28, 28, generator=rng)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_players_that_circle_oscillate(seed: int) -> None:
    torch.manual_seed(seed)
    model = Dirac(TrainingConfig(epochs=22, batch_size=1, lr=5e-2, betas=(0.5, 0.999)))
    history = loop.train(model, as_pixels(digits(100)), FLOAT32, seed, lambda progress: None)
    found = alarms.Trained(by_step(history), tidy(loop.History()), NO_SHARES)
    assert kinds(found) == {"oscillation"}


# The rules, on tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [20, 90, 499])
@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_period_is_found_in_noise_and_on_a_slope(lag: int, noise: float) -> None:
    steps = np.arange(alarms.WINDOW)
    values = np.sin(2 * np.pi * steps / lag) + steps / 500 + np.random.default_rng(0).normal(0, noise, len(steps))
    found, strength = alarms.period(values)
    assert min(found % lag, -found % lag) <= 0.05 * lag and strength > 0.5


def test_noise_and_random_walks_seldom_have_a_period() -> None:
    rng = np.random.default_rng(0)
    noise = [alarms.period(rng.normal(size=alarms.WINDOW))[1] for _ in range(200)]
    assert max(noise) < 0.3
    walks = [alarms.period(rng.normal(size=alarms.WINDOW).cumsum())[1] for _ in range(200)]
    assert np.mean(np.array(walks) > 0.3) < 0.1


@pytest.mark.parametrize("values", [np.zeros(2000), np.arange(2000.0), 0.005 * np.sin(np.arange(2000) / 10)])
def test_a_straight_line_and_a_flutter_have_no_period(values: np.ndarray) -> None:
    assert alarms.period(values) == (0, 0.0)


def made(checks: dict[tuple[str, str], list[float]], shares: list[list[float]] | None = None) -> alarms.Trained:
    """Ten checks of ten steps each, the first two of them in the first epoch; a snapshot at every other."""
    steps = range(1, 101)
    history = pd.DataFrame({"step": steps, "epoch": [1 if step <= 20 else 2 for step in steps]})
    rows = [(10 * (i + 1), *what, value) for what, values in checks.items() for i, value in enumerate(values)]
    listed = [(20 * (i + 1), label, share) for i, each in enumerate(shares or []) for label, share in enumerate(each)]
    return alarms.Trained(
        history,
        pd.DataFrame(rows, columns=["step", "quantity", "part", "value"]),
        pd.DataFrame(listed, columns=["step", "label", "share"]),
    )


def test_a_collapse_counts_after_the_first_epoch_from_the_third_check_in_a_row_until_it_is_over() -> None:
    distance = [0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.3, 0.1, 0.1, 0.9]
    (alarm,) = alarms.find(made({("distance", "samples"): distance}))
    assert (alarm.kind, alarm.first, alarm.last, alarm.lasting) == ("mode collapse", 50, 60, False)
    assert alarm.evidence == "distance 0.1"
    (alarm,) = alarms.find(made({("distance", "samples"): [0.1] * 10}))
    assert (alarm.first, alarm.last, alarm.lasting) == (50, 100, True)


def test_labels_of_two_classes_are_a_collapse_and_those_of_three_are_not() -> None:
    fine = {("distance", "samples"): [1.0] * 10}
    two, three = [0.5, 0.5, *[0.0] * 8], [0.3, 0.3, 0.4, *[0.0] * 7]
    assert alarms.find(made(fine, [three] * 5)) == []
    (alarm,) = alarms.find(made(fine, [two] * 5))
    assert (alarm.kind, alarm.first, alarm.last, alarm.lasting) == ("mode collapse", 80, 100, True)
    assert alarm.evidence == "entropy of labels 0.3, distance 1"


def test_one_dead_dimension_of_two_is_no_collapse_of_the_posterior() -> None:
    alive, dead = [1.0] * 10, [1e-4] * 10
    half = {("variance", "0"): alive, ("variance", "1"): dead, ("kl", "0"): alive, ("kl", "1"): dead}
    assert alarms.find(made(half)) == []
    (alarm,) = alarms.find(made({what: dead for what in half}))
    assert (alarm.kind, alarm.first, alarm.last) == ("posterior collapse", 50, 100)


@pytest.mark.parametrize("healthy", ["D_fake", "D_right", "gradient"])
def test_the_gradient_vanishes_only_if_all_three_say_so(healthy: str) -> None:
    found = made({("gradient", "generator.0"): [3.0, 4.0, *[1.0 if healthy == "gradient" else 1e-3] * 8]})
    found.history["D_fake"] = 0.2 if healthy == "D_fake" else 1e-4
    found.history["D_right"] = 0.9 if healthy == "D_right" else 1.0
    assert alarms.find(found) == []


def test_the_norm_of_a_network_is_of_all_its_layers_and_of_no_other_network() -> None:
    found = made({
        ("gradient", "generator.0"): [3.0] * 10,
        ("gradient", "generator.2"): [4.0] * 10,
        ("gradient", "generators"): [9.0] * 10,
    })  # fmt: skip
    assert found.gradient("generator").tolist() == [5.0] * 10


def test_every_rule_states_itself() -> None:
    assert all(len(rule.__doc__ or "") > 100 for rule in alarms.RULES)


def test_a_model_that_logged_nothing_has_no_alarms() -> None:
    empty = pd.DataFrame(columns=["step", "quantity", "part", "value"])
    assert alarms.find(alarms.Trained(pd.DataFrame(columns=["step", "epoch"]), empty, NO_SHARES)) == []
