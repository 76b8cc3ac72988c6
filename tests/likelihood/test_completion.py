"""Completions keep what is known, and follow what a decoder says of the rest."""

import pytest
import torch
from contract import digits

from pipeline.core.shapes import Images, as_pixels
from pipeline.likelihood.completion import can_complete, completed, hidden_nats, masks
from pipeline.likelihood.protocol import inked
from pipeline.models.base import Decoder, GenerativeModel
from pipeline.models.bayes_net import BayesNet
from pipeline.models.cgan import Cgan
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae

INK = inked(as_pixels(digits(6)))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Switch(GenerativeModel, Decoder):
    """One number decides whether all four pixels are likely ink, or likely paper."""

    def __init__(self) -> None:
        super().__init__(Vae.Config(latent=1))
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def decode(self, codes: torch.Tensor) -> Images:
        return (0.5 + 0.4 * (20 * codes).tanh()).expand(-1, 4).reshape(-1, 1, 2, 2)

    def sample(self, count: int, rng: torch.Generator) -> Images:
        return self.decode(torch.randn(count, 1, generator=rng))


def test_what_is_known_is_a_half_the_rim_or_a_quarter() -> None:
    found = masks(28)
    shares = {name: known.mean().item() for name, known in found.items()}
    assert shares["the lower half"] == shares["the left half"] == 0.5 and shares["the middle"] == 0.75
    assert shares["three pixels in four"] == pytest.approx(0.25, abs=0.05)
    assert found["the lower half"][0, 0, 0, 0] == 1 and found["the lower half"][0, 0, -1, 0] == 0
    assert found["the left half"][0, 0, 0, 0] == 0 and found["the middle"][0, 0, 14, 14] == 0


@pytest.mark.parametrize("hidden", masks(28))
def test_known_pixels_stay_and_hidden_ones_become_ink(hidden: str) -> None:
    known = masks(28)[hidden]
    tree = BayesNet(BayesNet.Config(trees=2, steps=1))
    tree.fit(digits(100), seeded(), lambda *told: None)
    for model in (tree, Vae(Vae.Config()).eval(), Gan(Gan.Config()).eval()):
        found = completed(model, INK, known, 2, seeded())
        assert found.shape == (6, 2, 1, 28, 28) and set(found.unique().tolist()) <= {0.0, 1.0}
        assert torch.equal(found * known, (INK[:, None] * known).expand_as(found))
        assert not torch.equal(found[:, 0], found[:, 1])


def test_completions_of_a_decoder_follow_its_posterior() -> None:
    """Of ink above, the code is positive with probability .9, and then ink below has probability .9."""
    known = torch.tensor([[1.0, 0.0], [0.0, 0.0]])[None, None]
    ink = torch.tensor([[1.0, 0.0], [0.0, 0.0]])[None, None].repeat(2, 1, 1, 1)
    ink[1] = 0
    found = completed(Switch(), ink, known, 3000, seeded())[..., 1, 1].mean((1, 2))
    expected = 0.9 * 0.9 + 0.1 * 0.1
    assert found[0].item() == pytest.approx(expected, abs=0.05)
    assert found[1].item() == pytest.approx(1 - expected, abs=0.05)


def test_the_nats_of_hidden_pixels_are_those_of_the_conditional() -> None:
    tree = BayesNet(BayesNet.Config(trees=2, steps=1))
    tree.fit(digits(100), seeded(), lambda *told: None)
    known = torch.ones(1, 1, 28, 28)
    known[..., 20, 9] = 0
    other = INK.clone()
    other[..., 20, 9] = 1 - other[..., 20, 9]
    both = [hidden_nats(tree, images, known, seeded()) for images in (INK, other)]
    torch.testing.assert_close(torch.stack(both).exp().sum(0), torch.ones(6), atol=1e-3, rtol=0)
    assert hidden_nats(Vae(Vae.Config()), INK, known, seeded()) is None


def test_a_conditional_gan_has_no_code_alone() -> None:
    assert not can_complete(Cgan(Cgan.Config())) and can_complete(Gan(Gan.Config()))
