"""The loop and the two models against their formulas, a textbook loop, and the paper's numbers."""

import math
from collections.abc import Iterator

import pytest
import torch
from contract import FLOAT32, digits
from torch import nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits
from workspace import toy_images

from pipeline.core.compute import Arithmetic, choose
from pipeline.core.params import Compute
from pipeline.core.shapes import as_images, as_pixels
from pipeline.data.dataset import Dataset
from pipeline.models.base import Objective, TrainedModel, count
from pipeline.models.common.architecture import describe
from pipeline.models.common.blocks import Dropout, cross_entropy_of_pixels
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.training import loop

BFLOAT16 = Arithmetic(torch.device("cpu"), "bfloat16", 1)


def silent(progress: loop.Progress) -> None:
    pass


def trained(
    kind: type[TrainedModel], pixels: torch.Tensor, seed: int = 0, **settings
) -> tuple[TrainedModel, loop.History]:
    torch.manual_seed(seed)
    model = kind(kind.Config(**settings))
    return model, loop.train(model, pixels, FLOAT32, seed, silent)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return as_pixels(digits(250))


# The paper's numbers ---------------------------------------------------------------------------------------------


def test_the_parameters_are_the_papers() -> None:
    gan, vae = Gan(Gan.Config()), Vae(Vae.Config())
    assert (count(gan.generator), count(gan.discriminator)) == (1_493_520, 1_460_225)
    assert (count(vae), count(vae.encoder), count(vae.decoder)) == (1_068_820, 534_276, 534_544)


def rows(model: TrainedModel) -> dict[str, list[tuple]]:
    return {
        network["name"]: [
            (layer["name"], layer["in"], layer["out"], layer["output"], layer["activation"].split(" ")[0])
            for layer in network["layers"]
        ]
        for network in describe(model)
    }


def test_the_live_layers_are_tables_1_to_4() -> None:
    gan, vae = rows(Gan(Gan.Config())), rows(Vae(Vae.Config()))
    assert gan["generator"] == [
        ("Input", 128, 256, [256], "LeakyReLU"),
        ("Hidden 1", 256, 512, [512], "LeakyReLU"),
        ("Hidden 2", 512, 1024, [1024], "LeakyReLU"),
        ("Output", 1024, 784, [784], "Tanh"),
    ]
    assert gan["discriminator"] == [
        ("Input", 784, 1024, [1024], "LeakyReLU"),
        ("Hidden 1", 1024, 512, [512], "LeakyReLU"),
        ("Hidden 2", 512, 256, [256], "LeakyReLU"),
        ("Output", 256, 1, [1], "Sigmoid"),
    ]
    assert vae["encoder"] == [
        ("Input", 784, 512, [512], "ReLU"),
        ("Hidden 1", 512, 256, [256], "ReLU"),
        ("Output 1", 256, 2, [2], "none"),
        ("Output 2", 256, 2, [2], "none"),
    ]
    assert vae["decoder"] == [
        ("Input", 2, 256, [256], "ReLU"),
        ("Hidden 1", 256, 512, [512], "ReLU"),
        ("Output", 512, 784, [784], "Sigmoid"),
    ]


def test_dropout_follows_the_three_hidden_activations_of_the_discriminator() -> None:
    networks = {network["name"]: network for network in describe(Gan(Gan.Config()))}
    assert [layer["dropout"] for layer in networks["discriminator"]["layers"]] == [0.3, 0.3, 0.3, 0.0]
    assert not any(layer["dropout"] for layer in networks["generator"]["layers"])


@pytest.mark.slow
def test_the_vae_reaches_its_published_loss_in_the_papers_five_epochs(mnist: Dataset) -> None:
    arithmetic = choose(Compute(device="cpu", precision="auto", threads=1))
    torch.manual_seed(0)
    model = Vae(Vae.Config())
    loop.train(model, torch.from_numpy(mnist.train_images), arithmetic, 0, silent)
    found = loop.evaluate(model, torch.from_numpy(mnist.test_images))
    assert sum(found.losses.values()) == pytest.approx(147.4, abs=1.5)


# Formulas --------------------------------------------------------------------------------------------------------


def test_the_vae_learns_toy_images_as_far_as_its_code_allows() -> None:
    """What takes five epochs of MNIST in small: each loss ends where it should, on images that were not seen."""
    pixels = torch.from_numpy(toy_images(600, seed=0)[0])
    model, _ = trained(Vae, pixels, epochs=12, batch_size=50)
    before, after = (
        loop.evaluate(each, torch.from_numpy(toy_images(500, seed=1)[0])).losses for each in (Vae(model.config), model)
    )
    assert sum(before.values()) == pytest.approx(784 * math.log(2), rel=0.02), "it knows nothing yet"
    assert sum(after.values()) == pytest.approx(259.4, rel=0.03)
    assert 1 < after["kl"] < 20


@pytest.mark.parametrize("logit", [-4.0, 0.0, 3.0])
def test_the_three_readings_of_the_generator_loss_have_their_gradients(logit: float) -> None:
    p = 1 / (1 + math.exp(-logit))
    expected = {
        "nonsaturating": (-math.log(p), -(1 - p)),
        "saturating": (math.log(1 - p), -p),
        "literal": (-math.log(1 - p), p),
    }
    for reading, (value, slope) in expected.items():
        a = torch.tensor([[logit]], requires_grad=True)
        loss = Gan(Gan.Config(loss=reading)).generator_loss(a)
        loss.backward()
        assert loss.item() == pytest.approx(value, rel=1e-5)
        assert a.grad is not None and a.grad.item() == pytest.approx(slope, rel=1e-5)


def test_the_nonsaturating_gradient_survives_a_certain_discriminator() -> None:
    a = torch.tensor([[-90.0]], requires_grad=True)
    Gan(Gan.Config()).generator_loss(a).backward()
    assert a.grad is not None and a.grad.item() == -1.0


def test_the_vae_descends_listing_1_per_image() -> None:
    torch.manual_seed(0)
    model, images = Vae(Vae.Config()), digits(6)
    torch.manual_seed(1)
    (objective,) = model.objectives(images)

    torch.manual_seed(1)
    mean, log_var = model.encoder(images.flatten(1))
    reconstruction = model.decoder(mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)).sigmoid()
    bce = binary_cross_entropy(reconstruction, images.view(-1, 784), reduction="sum")
    kld = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
    assert objective.loss.item() == pytest.approx((bce + kld).item() / 6, rel=1e-5)
    assert objective.losses["kl"].item() == pytest.approx(kld.item() / 6, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
def test_the_cross_entropy_of_pixels_is_torchs_with_its_gradient(scale: float) -> None:
    torch.manual_seed(0)
    logits, images = scale * torch.randn(6, 784), torch.rand(6, 784)
    images[0] = (images[0] > 0.5).float()
    (ours, theirs) = (logits.clone().requires_grad_() for _ in range(2))
    value = cross_entropy_of_pixels(ours, images)
    expected = binary_cross_entropy_with_logits(theirs, images, reduction="sum")
    (2 * value).backward()
    (2 * expected).backward()
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    assert ours.grad is not None and theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-5, atol=2e-7)


def test_the_kl_term_is_the_divergence_between_gaussians() -> None:
    model, images = Vae(Vae.Config()), digits(6)
    (objective,) = model.objectives(images)
    mean, log_var = model.encoder(images.flatten(1))
    q = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    p = torch.distributions.Normal(torch.zeros_like(mean), 1.0)
    expected = torch.distributions.kl_divergence(q, p).sum(1).mean()
    assert objective.losses["kl"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_gan_steps_as_a_textbook_loop_does(pixels: torch.Tensor) -> None:
    """Algorithm 1 written plainly, with BCELoss and two passes, ends at the same weights."""
    settings = {"epochs": 1, "batch_size": 100, "dropout": 0.0}
    model, _ = trained(Gan, pixels, **settings)

    torch.manual_seed(0)
    plain = Gan(Gan.Config(**settings))
    g, d = plain.generator, nn.Sequential(*plain.discriminator, nn.Sigmoid())
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), lr=2e-4) for net in (g, d))
    bce = nn.BCELoss()
    order = torch.randperm(250, generator=torch.Generator().manual_seed(0))
    for chosen in order.split(100):
        real = pixels[chosen].flatten(1) / 127.5 - 1
        n = len(real)
        fake = g(torch.randn(n, 128)).detach()
        adam_d.zero_grad()
        (bce(d(real), torch.ones(n, 1)) + bce(d(fake), torch.zeros(n, 1))).backward()
        adam_d.step()
        adam_g.zero_grad()
        bce(d(g(torch.randn(n, 128))), torch.ones(n, 1)).backward()
        adam_g.step()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-3, atol=1e-5)


def test_a_falling_rate_is_that_of_torchs_scheduler(pixels: torch.Tensor) -> None:
    settings = {"epochs": 2, "batch_size": 100, "lr": 0.01}
    model, _ = trained(Vae, pixels, **settings, linear_decay=True)

    torch.manual_seed(0)
    plain = Vae(Vae.Config(**settings))
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.LinearLR(adam, start_factor=1.0, end_factor=0.0, total_iters=6)
    rng = torch.Generator().manual_seed(0)
    for _ in range(2):
        for chosen in torch.randperm(250, generator=rng).split(100):
            adam.zero_grad()
            next(iter(plain.objectives(pixels[chosen].unsqueeze(1) / 255))).loss.backward()
            adam.step()
            scheduler.step()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=1e-3, atol=1e-5)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout, ones = Dropout(0.3), torch.ones(1_000_003)
    out = dropout(ones)
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.002)
    assert out.mean().item() == pytest.approx(1, abs=0.003)
    assert out.unique().tolist() == pytest.approx([0, 1 / 0.7], rel=1e-4)
    assert not torch.equal(out, dropout(ones))
    assert torch.equal(dropout.eval()(ones), ones)


# The loop --------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(pixels: torch.Tensor) -> None:
    for kind in (Gan, Vae):
        (first, log), (again, log_again), (other, _) = (
            trained(kind, pixels, seed, epochs=2, batch_size=100) for seed in (0, 0, 1)
        )
        assert log.rows == log_again.rows
        for name, value in first.state_dict().items():
            assert torch.equal(value, again.state_dict()[name])
        assert not all(torch.equal(v, other.state_dict()[k]) for k, v in first.state_dict().items())


def test_every_image_is_seen_once_an_epoch_in_a_new_order_and_the_partial_batch_is_kept(
    pixels: torch.Tensor,
) -> None:
    seen: list[torch.Tensor] = []

    class Watching(Vae):
        def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
            seen.append(as_pixels(images))
            return super().objectives(images)

    _, history = trained(Watching, pixels, epochs=2, batch_size=100)
    assert [len(batch) for batch in seen] == [100, 100, 50] * 2
    assert len(history.rows) == 6 and history.steps_per_epoch == 3
    first, second = torch.cat(seen[:3]), torch.cat(seen[3:])
    assert not torch.equal(first, second)
    for epoch in (first, second):
        assert torch.equal(epoch.flatten(1).unique(dim=0), pixels.flatten(1).unique(dim=0))


class Nested(TrainedModel):
    """Its one objective trains a part of a part."""

    def __init__(self, config: Vae.Config) -> None:
        super().__init__(config)
        self.outer = nn.ModuleDict({"inner": nn.Linear(784, 1)})

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        line = self.outer["inner"]
        yield Objective(line, {"mean": line(images.flatten(1)).float().mean()})

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        raise NotImplementedError


def test_a_part_of_a_part_is_trained_evaluated_and_resumed_by_its_whole_name(pixels: torch.Tensor) -> None:
    model = Nested(Vae.Config(batch_size=100))
    found = loop.evaluate(model, pixels)
    assert found.objectives == {"outer.inner": ["mean"]}
    assert found.losses["mean"] == pytest.approx(model.outer["inner"](as_images(pixels).flatten(1)).mean().item())
    optimizers = loop.Optimizers(model.config)
    loop.step(model, digits(8), optimizers, FLOAT32, [])
    state = optimizers.state(model)
    assert {name.partition("/")[0] for name in state} == {"outer.inner"}
    again = loop.Optimizers(model.config)
    again.restore(model, state)
    for name, value in again.state(model).items():
        assert torch.equal(value, state[name])


class Moving(TrainedModel):
    """One weight; its second objective logs what the first one left."""

    def __init__(self, config: Vae.Config) -> None:
        super().__init__(config)
        self.line = nn.Linear(784, 1)

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        yield Objective(self.line, {"first": self.line(images.flatten(1)).float().mean()})
        yield Objective(self.line, {"second": self.line(images.flatten(1)).float().mean()})

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        raise NotImplementedError


def test_an_objective_sees_the_weights_that_the_one_before_it_left_also_in_bfloat16() -> None:
    model = Moving(Vae.Config(lr=0.1))
    logged = loop.step(model, digits(8), loop.Optimizers(model.config), BFLOAT16, [])
    assert logged[0] - logged[1] > 10  # Adam moves each of 784 weights by 0.1


class Centred(TrainedModel):
    """One point, which a rule of its own moves half of the way to the mean of the batch."""

    Config = Vae.Config

    def __init__(self, config: Vae.Config) -> None:
        super().__init__(config)
        self.point = nn.Parameter(torch.zeros(784))

    def begin(self, images: torch.Tensor, rng: torch.Generator) -> None:
        with torch.no_grad():
            self.point.copy_(images.flatten(1).amax(0))

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        distance = (self.point - images.flatten(1)).square().sum() / (2 * len(images))
        yield Objective(self, {"distance": distance}, rule=self.move)

    def move(self) -> None:
        with torch.no_grad():
            self.point -= 0.5 * self.point.grad

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        raise NotImplementedError


def test_a_model_may_start_from_the_data_and_move_by_a_rule_of_its_own(pixels: torch.Tensor) -> None:
    model, history = trained(Centred, pixels, epochs=2, batch_size=len(pixels))
    assert isinstance(model, Centred) and len(history.rows) == 2
    images = as_images(pixels).flatten(1)
    expected = images.mean(0) + 0.25 * (images.amax(0) - images.mean(0))
    torch.testing.assert_close(model.point.detach(), expected)


def test_bfloat16_computes_nearly_what_float32_does(pixels: torch.Tensor) -> None:
    for kind in (Gan, Vae):
        logged = []
        for arithmetic in (FLOAT32, BFLOAT16):
            torch.manual_seed(0)
            model = kind(kind.Config())
            logged.append(loop.step(model, digits(64), loop.Optimizers(model.config), arithmetic, []))
        torch.testing.assert_close(logged[0], logged[1], rtol=2e-2, atol=2e-2)


def test_the_average_of_the_weights_is_what_is_kept(pixels: torch.Tensor) -> None:
    seen: list[torch.Tensor] = []

    class Watching(Vae):
        def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
            seen.append(self.encoder.mean.bias.detach().clone())
            return super().objectives(images)

    model, _ = trained(Watching, pixels, epochs=2, batch_size=100, ema=0.5)
    last, _ = trained(Vae, pixels, epochs=2, batch_size=100)
    weights = [*seen[1:], last.encoder.mean.bias.detach()]  # after each step; the first is taken as it is
    expected = weights[0]
    for weight in weights[1:]:
        expected = 0.5 * expected + 0.5 * weight
    torch.testing.assert_close(model.encoder.mean.bias.detach(), expected)


def test_a_loss_that_is_no_number_is_named_with_its_step(pixels: torch.Tensor) -> None:
    with pytest.raises(loop.Diverged, match=r"(reconstruction|kl) became (nan|inf) at step \d+"):
        trained(Vae, pixels, epochs=3, batch_size=50, lr=1e4)


def test_progress_is_told_after_every_epoch(pixels: torch.Tensor) -> None:
    told: list[loop.Progress] = []
    loop.train(Vae(Vae.Config(epochs=3)), pixels, FLOAT32, 0, told.append)
    assert [p.epoch for p in told if p.images_seen % 250 == 0] == [1, 2, 3]
    assert told[-1].seconds_left == 0 and told[-1].images_seen == told[-1].images_to_see == 750
    assert all(p.images_per_second > 0 and set(p.logged) == {"reconstruction", "kl"} for p in told)


def test_the_evaluation_is_the_mean_over_all_images() -> None:
    model = Vae(Vae.Config(batch_size=100)).eval()
    pixels = as_pixels(digits(250))
    found = loop.evaluate(model, pixels)
    with torch.no_grad():
        mean, log_var = model.encoder(as_images(pixels).flatten(1))
        kl = (-0.5 * (1 + log_var - mean.square() - log_var.exp())).sum(1).mean()
    assert found.losses["kl"] == pytest.approx(kl.item(), rel=1e-4)
    assert found.objectives == {"model": ["reconstruction", "kl"]}
