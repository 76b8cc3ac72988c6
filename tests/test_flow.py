"""The flow against autograd's Jacobian, its own inverse, and an integral."""

import math

import pytest
import torch
from torch import Tensor

from pipeline.core.compute import Arithmetic
from pipeline.models.common.couplings import Turn
from pipeline.models.flow import Flow
from pipeline.training import loop

FLOAT32 = Arithmetic(torch.device("cpu"), "float32", 1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, seed: int = 0) -> Tensor:
    """Images of 4 x 4 pixels in which neighbours are alike, and some pixels are black."""
    coarse = torch.rand(count, 1, 2, 2, generator=seeded(seed))
    noise = torch.rand(count, 1, 4, 4, generator=seeded(seed + 1))
    return ((coarse.repeat_interleave(2, 2).repeat_interleave(2, 3) + noise / 2 - 0.4).clamp(0, 1) * 255).round() / 255


def learned(kind: type[Flow] = Flow, steps: int = 60) -> Flow:
    torch.manual_seed(0)
    model = kind(kind.Config(side=4, fine=2, coarse=3))
    model.begin(images(500), seeded())
    optimizers = loop.Optimizers(model.config)
    for seed in range(steps):
        loop.step(model, images(64, seed), optimizers, FLOAT32, [])
    return model.eval()


@pytest.fixture(scope="module")
def model() -> Flow:
    return learned()


def log_determinants(model: Flow) -> tuple[Tensor, Tensor]:
    """Return log |det| of the layers at one image, as the layers say and as autograd finds it."""
    x = torch.randn(1, 1, 4, 4, generator=seeded())
    with torch.no_grad():
        _, said = model.transformed(x)
    jacobian = torch.autograd.functional.jacobian(lambda each: model.transformed(each)[0].flatten(), x)
    return said[0], torch.linalg.slogdet(jacobian.view(16, 16))[1]


def test_the_log_determinant_is_that_of_autograds_jacobian(model: Flow) -> None:
    said, found = log_determinants(model)
    assert found.abs() > 0.5, "the layers should have learned something"
    torch.testing.assert_close(said, found, atol=1e-3, rtol=1e-4)


class Forgotten(Turn):
    """Leaves out its log-determinant."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return super().forward(x)[0], torch.zeros(())


def test_a_forgotten_log_determinant_is_noticed() -> None:
    model = learned()
    for layer in model.layers:
        if isinstance(layer, Turn):
            layer.__class__ = Forgotten
    said, found = log_determinants(model)
    assert (said - found).abs() > 0.01


def test_the_inverse_inverts_every_layer(model: Flow) -> None:
    x = torch.randn(50, 1, 4, 4, generator=seeded())
    with torch.no_grad():
        z, _ = model.transformed(x)
        torch.testing.assert_close(model.inverted(z), x, atol=1e-4, rtol=1e-4)


def test_the_density_integrates_to_one() -> None:
    """By the mean over uniform numbers, of a flow that has learned from noise and is bent a little."""
    torch.manual_seed(0)
    model = Flow(Flow.Config(side=4, fine=1, coarse=1))
    model.begin(torch.rand(20_000, 1, 4, 4), seeded())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=seeded())
        v = torch.rand(200_000, 1, 4, 4, generator=seeded(1), dtype=torch.double)
        p = torch.cat([model.log_density(each).exp() for each in v.split(20_000)])
    error = p.std() / math.sqrt(len(p))
    assert p.std() > 0.2 and error < 0.02 and abs(p.mean() - 1) < 4 * error


def test_samples_resemble_what_was_learned(model: Flow) -> None:
    drawn, real = model.sample(4000, seeded(1)), images(4000, 99)
    assert drawn.unique().numel() > 100
    torch.testing.assert_close(drawn.mean(0), real.mean(0), atol=0.08, rtol=0)
    found, expected = (each.flatten(1).T.corrcoef() for each in (drawn, real))
    assert expected[0, 1] > 0.7 and abs(expected[0, 2]) < 0.1
    torch.testing.assert_close(found, expected, atol=0.25, rtol=0)
