"""What the monitor reports, against autograd, torch.distributions and closed forms."""

import pytest
import torch
from contract import FLOAT32, digits
from torch import nn

from pipeline.core.compute import Arithmetic
from pipeline.core.shapes import as_images, as_pixels
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.training import loop
from pipeline.training.monitor import (
    IMAGES,
    SNAPSHOTS,
    Monitor,
    generator_gradients,
    layers,
    mean_distance,
    undisturbed,
)

PIXELS = as_pixels(digits(250))
BFLOAT16 = Arithmetic(torch.device("cpu"), "bfloat16", 1)


def watched(model: Gan | Vae, **kwargs) -> tuple[Monitor, list[dict[str, float]]]:
    monitor = Monitor(model, PIXELS, FLOAT32)
    loop.train(model, PIXELS, FLOAT32, 0, lambda progress: None, monitor=monitor, **kwargs)
    return monitor, [dict(zip(monitor.checks.columns, row, strict=True)) for row in monitor.checks.rows]


def built(kind: type, **settings):
    torch.manual_seed(0)
    return kind(kind.Config(**settings))


def test_five_checks_an_epoch_or_every_step_of_a_short_one() -> None:
    _, checks = watched(built(Vae, epochs=2, batch_size=10))  # 25 steps an epoch
    assert [check["step"] for check in checks] == list(range(5, 51, 5))
    _, checks = watched(built(Vae, epochs=2, batch_size=100))
    assert [check["step"] for check in checks] == list(range(1, 7))


def test_a_long_training_keeps_so_many_snapshots_and_no_more() -> None:
    monitor, checks = watched(built(Vae, epochs=30, batch_size=50))
    assert len(checks) == 150
    assert list(monitor.snapshots) == list(range(2, 151, 2)) and len(monitor.snapshots) <= SNAPSHOTS
    assert all(image.shape == (IMAGES, 28, 28) for image in monitor.snapshots.values())


def test_the_last_check_is_of_the_finished_model() -> None:
    """Gradients by autograd of the finished model; the samples by sampling it."""
    model = built(Vae, epochs=1, batch_size=100)
    monitor, checks = watched(model)
    images = as_images(PIXELS[:IMAGES])
    with undisturbed(model):
        (objective,) = model.objectives(images)
    layer = [model.decoder[4].weight, model.decoder[4].bias]
    flat = torch.cat([gradient.flatten() for gradient in torch.autograd.grad(objective.loss, layer)])
    assert checks[-1]["gradient decoder.4"] == pytest.approx(flat.norm().item(), rel=1e-5)
    samples = model.sample(IMAGES, torch.Generator().manual_seed(0))
    assert torch.equal(monitor.snapshots[3], as_pixels(samples))
    apart = torch.cdist(samples.flatten(1), samples.flatten(1))[*torch.triu_indices(IMAGES, IMAGES, 1)].mean()
    real = torch.cdist(images.flatten(1), images.flatten(1))[*torch.triu_indices(IMAGES, IMAGES, 1)].mean()
    assert checks[-1]["distance samples"] == pytest.approx((apart / real).item(), rel=1e-4)


def test_the_code_s_divergence_and_variance_are_those_of_torch_distributions() -> None:
    model = built(Vae, epochs=1, batch_size=100, latent=3)
    _, checks = watched(model)
    with torch.no_grad():
        mean, log_var = model.posterior(as_images(PIXELS[:IMAGES]))
    q, p = torch.distributions.Normal(mean, (log_var / 2).exp()), torch.distributions.Normal(0.0, 1.0)
    nats = torch.distributions.kl_divergence(q, p).mean(0)
    for dimension in range(3):
        assert checks[-1][f"kl {dimension}"] == pytest.approx(nats[dimension].item(), rel=1e-4)
        assert checks[-1][f"variance {dimension}"] == pytest.approx(mean[:, dimension].var().item(), rel=1e-4)


def test_the_update_is_that_of_the_step_and_the_change_is_since_the_last_check() -> None:
    """Adam's first step moves every weight that has a gradient by the learning rate."""
    model = built(Gan, epochs=1, batch_size=250, lr=1e-3)
    before = model.discriminator[0].weight.detach().clone(), model.discriminator[0].bias.detach().clone()
    samples = model.sample(IMAGES, torch.Generator().manual_seed(0))
    _, checks = watched(model)
    size = torch.cat([value.flatten() for value in before])
    expected = 1e-3 * len(size) ** 0.5 / size.norm()
    assert checks[0]["update discriminator.0"] == pytest.approx(expected.item(), rel=1e-2)
    moved = model.sample(IMAGES, torch.Generator().manual_seed(0))
    assert checks[0]["change samples"] == pytest.approx(((moved - samples).norm() / moved.norm()).item(), rel=1e-4)


@pytest.mark.parametrize("logit", [-9.0, -2.0, 3.0])
@pytest.mark.parametrize("arithmetic", [FLOAT32, BFLOAT16], ids=["float32", "bfloat16"])
def test_the_two_gradients_differ_by_the_odds_where_all_fakes_are_judged_alike(
    logit: float, arithmetic: Arithmetic
) -> None:
    """Arjovsky & Bottou: D / (1 - D), here the exponential of the logit."""
    model = built(Gan, dropout=0.0)
    with torch.no_grad():
        model.discriminator[-2].weight *= 1e-3
        model.discriminator[-2].bias.fill_(logit)
    found = generator_gradients(model, arithmetic)
    assert (found["saturating"] / found["nonsaturating"]).log().item() == pytest.approx(logit, abs=0.02)


def test_the_used_gradient_of_the_generator_is_the_one_its_loss_names() -> None:
    for loss in ("saturating", "nonsaturating"):
        _, checks = watched(built(Gan, epochs=1, batch_size=100, loss=loss))
        layers = [value for name, value in checks[-1].items() if name.startswith("gradient generator")]
        used = torch.tensor(layers).norm().item()
        assert used == pytest.approx(checks[-1][f"{loss} generator"], rel=0.2)  # other noise


def test_the_snapshots_are_of_the_weights_as_they_are_and_not_of_their_average() -> None:
    averaged, _ = watched(built(Gan, epochs=1, batch_size=50, ema=0.9))
    plain, _ = watched(built(Gan, epochs=1, batch_size=50))
    assert torch.equal(averaged.snapshots[5], plain.snapshots[5])


def test_a_parameter_of_the_model_itself_has_a_name() -> None:
    model = nn.Module()
    model.register_parameter("scale", nn.Parameter(torch.ones(1)))
    assert layers(model) == {"model": {"scale": model.scale}}


def test_the_mean_distance_of_two_images_is_theirs() -> None:
    images = torch.zeros(2, 1, 28, 28)
    images[1, 0, 0, :16] = 1
    assert mean_distance(images).item() == 4


def test_a_look_leaves_mode_and_randomness_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout()).train()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with pytest.raises(KeyError), undisturbed(model):
        assert not model.training and torch.initial_seed() == 0
        torch.rand(3)
        raise KeyError
    assert model.training and torch.equal(state, torch.get_rng_state())
