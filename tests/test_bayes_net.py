"""The mixture of Chow-Liu trees against sums over all images, and over all trees."""

import itertools
from pathlib import Path

import contract
import numpy as np
import pytest
import torch

from pipeline.core.shapes import as_images
from pipeline.data.dataset import Dataset
from pipeline.models.bayes_net import BayesNet
from pipeline.models.common.blocks import ink
from pipeline.models.common.checkpoint import read_model, write_model

ALL = contract.patterns(4).view(-1, 1, 2, 2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grey(count: int, side: int, seed: int = 0) -> torch.Tensor:
    """Images in which all pixels vary together, of two kinds."""
    rng = seeded(seed)
    first, second = torch.rand(2, 1, 1, side, side, generator=rng)
    kind, light = torch.rand(2, count, 1, 1, 1, generator=rng)
    noise = torch.rand(count, 1, side, side, generator=rng)
    return (torch.where(kind < 0.6, first, second) * light + noise / 3).clamp(0, 1)


def fitted(images: torch.Tensor, **settings: float) -> tuple[BayesNet, list[float]]:
    model, nats = BayesNet(BayesNet.Config(side=images.shape[-1], **settings)), []
    model.fit(images, seeded(), lambda step, steps, logged: nats.append(logged["nats"]))
    return model, nats


@pytest.fixture(scope="module")
def three() -> BayesNet:
    """Three trees that were found, with probabilities that tell them apart."""
    model, _ = fitted(grey(300, 2), trees=3, steps=4)
    roots = model.order[:, :1, None].expand(3, 1, 2)
    model.ink_given.copy_(torch.rand(3, 4, 2, generator=seeded()) * 0.98 + 0.01)
    model.ink_given.scatter_(1, roots, torch.tensor([0.1, 0.5, 0.8]).view(3, 1, 1).expand(3, 1, 2))
    model.weights.copy_(torch.tensor([0.5, 0.2, 0.3]))
    return model


def test_all_images_have_probability_one_after_a_fit_and_with_any_probabilities(three: BayesNet) -> None:
    model, _ = fitted(grey(300, 2), trees=3, steps=4)
    assert len(model.ink_given.flatten(1).unique(dim=0)) == 3 and model.weights.min() > 0.05
    for each in (model, three):
        probability = each.log_prob(ALL, seeded()).exp()
        assert probability.sum().item() == pytest.approx(1, abs=1e-5) and probability.max() > 2 * probability.min()


def test_the_probability_is_that_of_the_definition(three: BayesNet) -> None:
    for image in ALL:
        b, expected = image.flatten().long(), 0.0
        for k in range(3):
            pixels = [
                three.ink_given[k, i, b[three.parents[k, i]]] if b[i] else 1 - three.ink_given[k, i, b[j]]
                for i, j in enumerate(three.parents[k])
            ]
            expected += three.weights[k].item() * np.prod([p.item() for p in pixels])
        assert three.log_prob(image[None], seeded()).exp().item() == pytest.approx(expected, rel=1e-5)


def test_hidden_pixels_are_summed_out(three: BayesNet) -> None:
    whole = three.log_prob(ALL, seeded()).exp()
    for known in ALL:
        alike = ((ALL[:, None] - ALL[None]) * known == 0).flatten(2).all(dim=2)
        found = three.log_prob(ALL, seeded(), known.expand_as(ALL)).exp()
        torch.testing.assert_close(found, alike.float() @ whole, atol=1e-5, rtol=1e-5)


def test_a_completion_leaves_what_is_known_and_draws_the_rest_given_it(three: BayesNet) -> None:
    whole, count = three.log_prob(ALL, seeded()).exp(), 5000
    for known, given in itertools.product(ALL[[0, 3, 6, 8]], ALL[[1, 14]]):
        alike = ((ALL - given) * known == 0).flatten(1).all(dim=1)
        expected = torch.where(alike, whole, 0) / whole[alike].sum()
        drawn = three.complete(given.expand(count, 1, 2, 2), known.expand(count, 1, 2, 2), seeded())
        assert torch.equal(drawn * known, (given * known).expand_as(drawn))
        found = (drawn[:, None] == ALL[None]).flatten(2).all(dim=2).float().mean(0)
        assert (found - expected).abs().max() < 5 * 0.5 / count**0.5


def test_draws_have_the_model_s_probabilities_and_the_means_given_the_parents(three: BayesNet) -> None:
    count, log_p = 20000, three.log_prob(ALL, seeded()).double()
    means, drawn = three.sample_observed(count, seeded())
    found = (drawn[:, None] == ALL[None]).flatten(2).all(dim=2).double().mean(0)
    assert (found - log_p.exp()).abs().max() < 5 * 0.5 / count**0.5
    log_likelihood = three.log_prob(drawn, seeded()).double()
    entropy = -(log_p.exp() * log_p).sum()
    assert abs(log_likelihood.mean() + entropy) < 5 * log_likelihood.std() / count**0.5
    assert torch.equal(means, three.sample(count, seeded()))
    # What is left of a pixel beyond its mean has nothing to do with the mean.
    left = (drawn - means).flatten(1)
    assert left.mean(0).abs().max() < 5 * 0.5 / count**0.5
    assert (left * means.flatten(1)).mean(0).abs().max() < 5 * 0.5 / count**0.5


def test_of_grey_images_the_expected_log_probability_of_their_ink_is_taken(three: BayesNet) -> None:
    x, b = grey(7, 2, seed=1).flatten(1), ALL.flatten(1)
    probability = torch.where(b == 1, x[:, None], 1 - x[:, None]).prod(2)
    torch.testing.assert_close(three.log_joint(x), probability @ three.log_joint(b), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_one_tree_is_the_best_of_all_sixteen(seed: int) -> None:
    """By the likelihood of each, with its best probabilities, on images of ink."""
    images = ink(grey(200, 2, seed), seeded())
    model, _ = fitted(images, trees=1, smoothing=1e-4)
    x = images.flatten(1).double().numpy()

    def information(i: int, j: int) -> float:
        """Without logarithms of zero: each of the four pairs occurs."""
        total = 0.0
        for a, b in itertools.product((0, 1), repeat=2):
            both = ((x[:, i] == a) & (x[:, j] == b)).mean()
            total += both * np.log(both / (x[:, i] == a).mean() / (x[:, j] == b).mean())
        return total

    def joins_all(edges: tuple[tuple[int, int], ...]) -> bool:
        adjacent = np.eye(4)
        for i, j in edges:
            adjacent[i, j] = adjacent[j, i] = 1
        return bool((np.linalg.matrix_power(adjacent, 4) > 0).all())

    trees = [edges for edges in itertools.combinations(itertools.combinations(range(4), 2), 3) if joins_all(edges)]
    assert len(trees) == 16
    alone = sum((p * np.log(p)).sum() for i in range(4) for p in [np.array([x[:, i].mean(), 1 - x[:, i].mean()])])
    likelihood = {edges: alone + sum(information(*edge) for edge in edges) for edges in trees}
    best = max(trees, key=likelihood.__getitem__)
    found = {(min(i, j), max(i, j)) for i, j in enumerate(model.parents[0].tolist()) if i != j}
    assert found == set(best)
    assert model.log_prob(images, seeded()).mean().item() == pytest.approx(likelihood[best], abs=1e-4)


def test_em_never_loses_likelihood() -> None:
    images = ink(grey(400, 3), seeded())
    model, nats = fitted(images, trees=4, steps=12, smoothing=1e-4)
    nats.append(-model.log_prob(images, seeded()).mean().item())
    assert all(after <= before + 1e-5 for before, after in itertools.pairwise(nats)), nats
    assert nats[-1] < nats[0] - 0.02
    # Where EM ends, the weights are the mean responsibilities.
    shares = model.log_joint(images.flatten(1)).softmax(1).mean(0)
    assert shares.max() > 1.5 * shares.min() and (model.weights - shares).abs().max() < 0.01


def test_on_grey_images_em_descends_a_bound_of_the_nats_of_their_ink() -> None:
    images = grey(400, 3)
    model, nats = fitted(images, trees=4, steps=30, smoothing=1e-4)
    assert all(after <= before + 1e-5 for before, after in itertools.pairwise(nats)), nats
    found = -model.log_prob(ink(images.repeat(50, 1, 1, 1), seeded()), seeded()).mean().item()
    assert found < nats[-1] < found + 0.3


def test_nothing_is_impossible_though_pixels_never_change_and_trees_have_no_images() -> None:
    images = torch.zeros(3, 1, 2, 2)
    images[:, :, 1, 1] = 1
    model, _ = fitted(images, trees=5)
    assert model.log_prob(ALL, seeded()).isfinite().all()
    assert model.log_prob(ALL, seeded()).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_fitted_model_is_read_back(three: BayesNet, tmp_path: Path) -> None:
    write_model(tmp_path / "model", three, "bayes_net", {})
    again = read_model(tmp_path / "model")
    assert isinstance(again, BayesNet) and not torch.equal(three.order[0], torch.arange(4))
    assert torch.equal(three.log_prob(ALL, seeded()), again.log_prob(ALL, seeded()))
    assert torch.equal(three.sample(9, seeded()), again.sample(9, seeded()))


@pytest.mark.slow
@pytest.mark.parametrize(("trees", "best", "worst"), [(1, -134.5, -135.5), (40, -105, -108)])
def test_the_likelihood_of_mnist(trees: int, best: float, worst: float, mnist: Dataset) -> None:
    """One tree: -135.0 is published."""
    model, _ = fitted(as_images(torch.from_numpy(mnist.train_images)), trees=trees)
    images = ink(as_images(torch.from_numpy(mnist.test_images)), seeded())
    assert worst < model.log_prob(images, seeded()).mean() < best
