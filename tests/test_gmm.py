"""The mixture of factor analysers against scipy's Gaussians, and against integrals over grids."""

import itertools
import math
from pathlib import Path

import contract
import pytest
import torch
from scipy.stats import multivariate_normal
from torch.distributions import Normal

from pipeline.core.shapes import as_images
from pipeline.data.dataset import Dataset
from pipeline.models.common.checkpoint import read_model, write_model
from pipeline.models.common.quantiles import Quantiles, dequantised
from pipeline.models.gmm import Gmm


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dark(count: int, side: int, seed: int = 0) -> torch.Tensor:
    """Images of 256 levels, of two kinds, in which pixels vary together and many are black."""
    rng = seeded(seed)
    first, second = torch.rand(2, 1, 1, side, side, generator=rng)
    kind, light = torch.rand(2, count, 1, 1, 1, generator=rng)
    noise = torch.rand(count, 1, side, side, generator=rng)
    images = torch.where(kind < 0.6, first, second) * light * 2 + noise / 4 - 0.4
    return (images.clamp(0, 1) * 255).round() / 255


def fitted(images: torch.Tensor, **settings: float) -> tuple[Gmm, list[float]]:
    torch.manual_seed(0)
    model, nats = Gmm(Gmm.Config(side=images.shape[-1], **settings)), []
    model.fit(images, seeded(), lambda step, steps, logged: nats.append(logged["nats"]))
    return model, nats


@pytest.fixture(scope="module")
def two() -> Gmm:
    model, _ = fitted(dark(500, 2), components=2, factors=2, steps=5, smoothing=1.0, ridge=1.0)
    assert model.weights.min() > 0.2 and (model.means[0] - model.means[1]).abs().max() > 0.5
    return model


@pytest.fixture(scope="module")
def one_pixel() -> Gmm:
    return fitted(dark(500, 1), components=3, factors=1, smoothing=1.0, ridge=1.0)[0]


def middles(count: int) -> torch.Tensor:
    """The middles of so many equal parts of [0, 1)."""
    return (torch.arange(count, dtype=torch.double) + 0.5) / count


# The quantiles ---------------------------------------------------------------------------------------------------


def test_each_pixel_alone_becomes_standard_normal() -> None:
    x = dark(4000, 2).flatten(1)
    quantiles = Quantiles(4)
    quantiles.fit(x)
    z = quantiles(dequantised(x, seeded()))[0]
    for quantile in (0.05, 0.3, 0.5, 0.9):
        expected = Normal(0.0, 1.0).icdf(torch.tensor(quantile))
        assert (z.quantile(quantile, dim=0) - expected).abs().max() < 0.08


def test_the_inverse_of_the_quantiles_inverts_them(two: Gmm) -> None:
    v = middles(256 * 9)[:, None].expand(-1, 4)
    z = two.quantiles(v)[0]
    assert z.isfinite().all() and (z.diff(dim=0) > 0).all()
    torch.testing.assert_close(two.quantiles.inverse(z), v, atol=1e-5, rtol=0)
    assert two.quantiles.inverse(torch.full((1, 4), 20.0)).max() < 1
    assert two.quantiles.inverse(torch.full((1, 4), -20.0)).min() >= 0


def test_the_log_slope_of_the_quantiles_is_that_of_differences(two: Gmm) -> None:
    """Of the exact inverse: where z is normal, v rises by the probability of a step of z."""
    v = (torch.rand(200, 4, generator=seeded(), dtype=torch.double) * 256).floor().add(0.5) / 256
    z, log_slope = two.quantiles(v)
    step = two.quantiles.inverse(z + 1e-4) - two.quantiles.inverse(z - 1e-4)
    same_level = (256 * two.quantiles.inverse(z + 1e-4)).floor() == (256 * two.quantiles.inverse(z - 1e-4)).floor()
    assert same_level.float().mean() > 0.5
    torch.testing.assert_close(log_slope[same_level].exp(), (2e-4 / step)[same_level].float(), rtol=0.01, atol=0)


def test_the_log_slope_of_the_quantiles_is_that_of_autograd(two: Gmm) -> None:
    v = torch.rand(200, 4, generator=seeded(), dtype=torch.double).requires_grad_()
    z, log_slope = two.quantiles(v)
    (slope,) = torch.autograd.grad(z.sum(), v)
    torch.testing.assert_close(log_slope.exp(), slope.float(), rtol=1e-4, atol=1e-6)


def test_the_moments_over_the_noise_are_those_of_many_draws(two: Gmm) -> None:
    levels = torch.tensor([0, 1, 60, 128, 255])
    x = (levels / 255)[:, None].expand(-1, 4)
    z, log_slope = zip(
        *(two.quantiles((levels[:, None] + u) / 256 + torch.zeros(4)) for u in middles(4000)), strict=True
    )
    mean, variance, expected_log_slope = two.quantiles.moments(x)
    torch.testing.assert_close(mean, torch.stack(z).mean(0), atol=1e-3, rtol=0)
    torch.testing.assert_close(variance, torch.stack(z).var(0), atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(expected_log_slope, torch.stack(log_slope).mean(0).sum(1), atol=0.01, rtol=0)


def test_the_expected_level_is_the_mean_of_many_draws(two: Gmm) -> None:
    centre, scale = torch.randn(4, generator=seeded()), torch.tensor([0.1, 0.5, 1.0, 2.0])
    drawn = two.quantiles.inverse(centre + scale * torch.randn(40000, 4, generator=seeded()))
    levels = (256 * drawn).floor() / 255
    torch.testing.assert_close(
        two.quantiles.expected(centre[None], scale[None])[0], levels.mean(0).float(), atol=0.01, rtol=0
    )
    far = torch.tensor([[-20.0] * 4, [20.0] * 4])
    torch.testing.assert_close(two.quantiles.expected(far, torch.ones(4)), (far > 0).float())


def bright() -> torch.Tensor:
    """The v of an image without black pixels, (1, 4)."""
    images = dark(500, 2)
    return dequantised(images[images.flatten(1).amin(1).argmax()].flatten(1), seeded())


# The mixture -----------------------------------------------------------------------------------------------------


def test_one_component_is_a_gaussian_of_the_quantiles() -> None:
    model, _ = fitted(dark(500, 2), components=1, factors=4, steps=3, smoothing=1.0, ridge=1.0)
    v = torch.rand(50, 4, generator=seeded(), dtype=torch.double)
    z, log_slope = (each.double() for each in model.quantiles(v))
    covariance = (model.loadings[0] @ model.loadings[0].T + model.noise[0].diag()).double()
    assert (covariance - covariance.diag().diag()).abs().max() > 0.3
    for known in contract.patterns(4)[1:]:
        seen = known.bool()
        gaussian = multivariate_normal(model.means[0, seen].numpy(), covariance[seen][:, seen].numpy())
        expected = torch.from_numpy(gaussian.logpdf(z[:, seen].numpy()).reshape(50)) + log_slope[:, seen].sum(1)
        found = model.log_density(v, known.expand(50, -1))
        torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(found, model.log_density(v, known[None]), atol=1e-4, rtol=1e-4)


def test_one_component_without_penalties_has_the_moments_of_the_quantiles() -> None:
    """What EM with as many factors as it needs converges to: E z and Cov z over images and noise."""
    images = dark(2000, 2)
    model, _ = fitted(images, components=1, factors=3, steps=300, smoothing=1e-3, ridge=1e-3)
    z = model.quantiles(dequantised(images.flatten(1).repeat(20, 1), seeded()))[0]
    covariance = model.loadings[0] @ model.loadings[0].T + model.noise[0].diag()
    torch.testing.assert_close(model.means[0], z.mean(0), atol=0.01, rtol=0)
    torch.testing.assert_close(covariance, z.T.cov(), atol=0.02, rtol=0)


def test_the_density_of_one_pixel_integrates_to_one(one_pixel: Gmm) -> None:
    v, known = middles(256 * 500)[:, None], torch.ones(1, 1)
    density = one_pixel.log_density(v, known).double().exp()
    assert density.max() > 3 * density.min() and density.mean().item() == pytest.approx(1, abs=2e-3)


def test_hidden_pixels_are_integrated_out(two: Gmm) -> None:
    """The density of three pixels is the integral over the fourth, and that of two the integral over the third."""
    grid = middles(256 * 200)
    for hidden in ([3], [3, 0]):
        before, after = torch.ones(1, 4), torch.ones(1, 4)
        before[:, hidden[:-1]], after[:, hidden] = 0, 0
        v = bright().repeat(len(grid), 1)
        v[:, hidden[-1]] = grid
        integral = two.log_density(v, before).double().exp().mean().item()
        assert two.log_density(v[:1], after).exp().item() == pytest.approx(integral, rel=2e-3)
    assert two.log_density(v, torch.zeros(1, 4)).abs().max() < 1e-5


def test_the_log_probability_is_that_of_levels_and_not_of_hidden_pixels(two: Gmm) -> None:
    images, known = dark(9, 2, seed=1), contract.patterns(4)[:9].view(9, 1, 2, 2)
    v = dequantised(images.flatten(1), seeded())
    expected = two.log_density(v, known.flatten(1)) - known.flatten(1).sum(1) * math.log(256)
    torch.testing.assert_close(two.log_prob(images, seeded(), known), expected)
    torch.testing.assert_close(two.log_prob(images, seeded()), two.log_prob(images, seeded(), torch.ones_like(images)))
    assert torch.equal((256 * v).floor(), (255 * images.flatten(1)).round().double())


def test_a_draw_of_a_hidden_pixel_follows_its_density_given_the_others(two: Gmm) -> None:
    v, grid, count = bright(), middles(256 * 20), 20000
    on_grid = v.repeat(len(grid), 1)
    on_grid[:, 3] = grid
    density = two.log_density(on_grid, torch.ones(1, 4)).double().exp()
    expected = (density / density.sum()).view(16, -1).sum(1)
    z = two.quantiles(v)[0].expand(count, -1)
    drawn = two.draw(z, torch.tensor([[1.0, 1.0, 1.0, 0.0]]), seeded())[1]
    found = (drawn[:, 3] * 255).round().long().div(16, rounding_mode="floor").bincount(minlength=16) / count
    assert (found - expected).abs().max() < 5 * 0.5 / count**0.5
    alone = two.quantiles.edges[3, ::16].diff()
    assert (expected - alone).abs().max() > 0.2, "the others should matter"


def test_a_completion_leaves_what_is_known(two: Gmm) -> None:
    images, known = dark(300, 2, seed=1), (torch.rand(300, 1, 2, 2, generator=seeded()) < 0.5).float()
    drawn = two.complete(images, known, seeded())
    assert torch.equal(drawn * known, images * known)
    assert (drawn != images)[known == 0].float().mean() > 0.3
    assert torch.equal(drawn, (drawn * 255).round() / 255)


def test_draws_of_one_pixel_have_the_levels_and_the_log_probability_of_the_density(one_pixel: Gmm) -> None:
    count, known = 20000, torch.ones(1, 1)
    log_density = one_pixel.log_density(middles(256 * 100)[:, None], known).double().view(256, 100)
    levels = log_density.exp().mean(1) / 256
    means, drawn = one_pixel.sample_observed(count, seeded())
    found = (drawn.flatten() * 255).round().long().bincount(minlength=256) / count
    assert (found - levels).abs().max() < 5 * 0.5 / count**0.5
    log_p = one_pixel.log_prob(drawn, seeded()).double()
    expected = (levels * (log_density.mean(1) - math.log(256))).sum()
    assert abs(log_p.mean() - expected) < 5 * log_p.std() / count**0.5
    assert expected < (levels * levels.log()).sum() + 1e-3, "it should be a lower bound"
    left = (drawn - means).flatten()
    assert left.mean().abs() < 5 * 0.5 / count**0.5 and (left * means.flatten()).mean().abs() < 5 * 0.5 / count**0.5


def test_the_expected_log_probability_over_the_noise_is_the_mean_of_many_draws(two: Gmm) -> None:
    x = dark(4, 2, seed=2).flatten(1)
    z, variance, _ = two.quantiles.moments(x)
    draws = [two.infer(two.quantiles(dequantised(x, seeded(i)))[0], torch.ones(1, 4))[0] for i in range(3000)]
    torch.testing.assert_close(two.expected_log_joint(z, variance), torch.stack(draws).mean(0), atol=0.1, rtol=0)


def test_em_never_loses_likelihood() -> None:
    images = dark(600, 3)
    model, nats = fitted(images, components=3, factors=2, steps=15, smoothing=1e-2, ridge=1e-3)
    assert all(after <= before + 1e-3 for before, after in itertools.pairwise(nats)), nats
    assert nats[-1] < nats[0] - 0.05
    # It is a bound of the mean over the noise, and where EM ends, the weights are the mean responsibilities.
    many = images.repeat(50, 1, 1, 1)
    found = -model.log_prob(many, seeded()).mean().item()
    assert found - 0.05 < nats[-1] < found + 0.3
    shares = model.expected_log_joint(*model.quantiles.moments(images.flatten(1))[:2]).softmax(1).mean(0)
    assert shares.max() > 1.5 * shares.min() and (model.weights - shares).abs().max() < 0.01


def test_pixels_that_never_change_and_components_without_images_are_no_harm() -> None:
    model, _ = fitted(torch.zeros(3, 1, 2, 2), components=5, factors=2)
    images = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2), torch.full((1, 2, 2), 0.4)])
    log_p = model.log_prob(images, seeded())
    assert log_p.isfinite().all() and log_p[0] > log_p[1:].max() + 5
    assert model.sample(20, seeded()).isfinite().all()


def test_a_fitted_model_is_read_back(two: Gmm, tmp_path: Path) -> None:
    write_model(tmp_path / "model", two, "gmm", {})
    again, images = read_model(tmp_path / "model"), dark(9, 2)
    assert isinstance(again, Gmm)
    assert torch.equal(two.log_prob(images, seeded()), again.log_prob(images, seeded()))
    assert torch.equal(two.sample(9, seeded()), again.sample(9, seeded()))


@pytest.mark.slow
def test_the_likelihood_of_mnist(mnist: Dataset) -> None:
    model, _ = fitted(as_images(torch.from_numpy(mnist.train_images)))
    log_p = model.log_prob(as_images(torch.from_numpy(mnist.test_images)), seeded())
    assert 1.35 < -log_p.mean() / (784 * math.log(2)) < 1.43
