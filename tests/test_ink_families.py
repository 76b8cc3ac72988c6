"""The families that are densities of ink, against enumeration and against what they say of themselves."""

import itertools

import contract
import pytest
import torch
from contract import patterns

from pipeline.models.autoregressive import Autoregressive
from pipeline.models.common.blocks import ink
from pipeline.models.common.em import SMOOTHING, Schedule, Table, normalised
from pipeline.models.common.rectangles import Tiling, halved
from pipeline.models.ebm import Ebm
from pipeline.models.hmm import Hmm
from pipeline.models.pcfg import PATTERNS, Pcfg
from pipeline.training import loop


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Drawn ink -------------------------------------------------------------------------------------------------------


def test_ink_has_the_grey_levels_as_frequencies_and_certain_pixels_stay() -> None:
    grey = torch.tensor([0.0, 0.25, 0.8, 1.0]).expand(20_000, 4)
    drawn = ink(grey, seeded())
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.mean(0) - grey[0]).abs().max() < 0.015 and torch.equal(drawn.mean(0)[[0, 3]], grey[0][[0, 3]])
    assert torch.equal(drawn, ink(grey, seeded())) and not torch.equal(drawn, ink(grey, seeded(1)))


# Autoregressive --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made() -> Autoregressive:
    torch.manual_seed(0)
    model = Autoregressive(Autoregressive.Config(side=5, hidden=37))
    with torch.no_grad():
        model.direct.normal_()
    return model.eval()


def test_a_pixels_logit_depends_on_the_pixels_before_it_only_and_on_all_of_them(made: Autoregressive) -> None:
    pixels = torch.rand(25)
    jacobian = torch.autograd.functional.jacobian(lambda x: made.logits(x[None])[0], pixels)
    assert torch.equal(jacobian, jacobian.tril(-1))
    assert (jacobian[torch.ones(25, 25).tril(-1).bool()] != 0).all()


def test_drawing_pixel_by_pixel_gives_the_probabilities_of_one_pass(made: Autoregressive) -> None:
    means, drawn = made.sample_observed(40, seeded())
    torch.testing.assert_close(means.flatten(1), made.logits(drawn.flatten(1)).sigmoid().detach(), atol=1e-5, rtol=1e-5)


# Restricted Boltzmann machine ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine() -> Ebm:
    """Of 3 x 3 pixels and 8 hidden units, with large weights."""
    torch.manual_seed(0)
    model = Ebm(Ebm.Config(side=3, hidden=8, temperatures=1000, burn_in=60, thinning=20))
    model.begin(torch.rand(50, 1, 3, 3), seeded())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    return model.eval()


IMAGES = patterns(9).view(-1, 1, 3, 3)


def test_the_free_energy_sums_over_all_hidden_units(machine: Ebm) -> None:
    pixels, hidden = patterns(9)[::50], patterns(8)
    joint = (
        (pixels @ machine.visible)[:, None]
        + (hidden @ machine.hidden)[None]
        + torch.einsum("nv,kv,hk->nh", pixels, machine.weight, hidden)
    )
    torch.testing.assert_close(-machine.energy(pixels.view(-1, 1, 3, 3)), joint.logsumexp(1), rtol=1e-5, atol=1e-5)


def test_both_estimates_of_the_partition_function_enclose_what_enumeration_gives(machine: Ebm) -> None:
    truth = torch.logsumexp(-machine.energy(IMAGES).double(), 0).item()
    found = [machine.log_partition(seeded(seed)) for seed in range(5)]
    assert all(abs(low - truth) < 0.1 and abs(high - truth) < 0.1 for low, high in found)


def test_with_few_temperatures_each_estimate_errs_to_its_own_side_and_there_is_no_number(machine: Ebm) -> None:
    rough = Ebm(machine.config.model_copy(update={"temperatures": 2}))
    rough.load_state_dict(
        {name: 4 * value if name == "weight" else value for name, value in machine.state_dict().items()}
    )
    truth = torch.logsumexp(-rough.energy(IMAGES).double(), 0).item()
    low, high = torch.tensor([rough.eval().log_partition(seeded(seed)) for seed in range(10)]).mean(0).tolist()
    assert low < truth - 0.3 and high > truth + 0.3
    with pytest.raises(ArithmeticError, match=r"expected estimates at most 1 nat apart\. Raise `temperatures`"):
        rough.log_prob(IMAGES, seeded())


def test_probabilities_sum_to_one_and_samples_follow_them(machine: Ebm) -> None:
    probability = machine.log_prob(IMAGES, seeded()).exp()
    assert probability.sum().item() == pytest.approx(1, abs=0.05)
    drawn = machine.observe(machine.sample(6000, seeded(1)), seeded(2))
    found = (drawn[:, None] == IMAGES[None]).flatten(2).all(2).float().mean(0)
    assert (found - probability / probability.sum()).abs().max() < 0.02


def test_evaluation_leaves_the_persistent_chains_where_they_are(machine: Ebm) -> None:
    before = machine.persistent.clone()
    list(machine.eval().objectives(torch.rand(4, 1, 3, 3)))
    assert torch.equal(before, machine.persistent)
    list(machine.train().objectives(torch.rand(4, 1, 3, 3)))
    assert not torch.equal(before, machine.eval().persistent)


def test_the_gradient_is_that_of_the_log_likelihood_where_the_chains_are_samples(machine: Ebm) -> None:
    """The expectation over images of the model, in place of the chains, gives the exact gradient."""
    real = IMAGES[[3, 40, 200]]
    exact = (-machine.energy(real)).mean() - torch.logsumexp(-machine.energy(IMAGES), 0)
    expected = torch.autograd.grad(-exact, machine.weight)[0]
    weights = (-machine.energy(IMAGES)).softmax(0).detach()
    contrast = machine.energy(real).mean() - (weights * machine.energy(IMAGES)).sum()
    torch.testing.assert_close(torch.autograd.grad(contrast, machine.weight)[0], expected, rtol=1e-4, atol=1e-5)


# Stochastic EM ---------------------------------------------------------------------------------------------------


def test_a_table_moves_to_the_expected_counts() -> None:
    """Of a mixture of two coins, whose responsibilities are known in closed form."""
    weights, coins = Table(2), Table(2, 2)
    heads = torch.tensor([1.0, 1.0, 0.0, 1.0])
    likelihood = heads[:, None] * coins.probability[:, 1] + (1 - heads[:, None]) * coins.probability[:, 0]
    joint = likelihood * weights.probability
    (-joint.sum(1).log().mean()).backward()
    responsible = (joint / joint.sum(1, keepdim=True)).detach()
    for table in (weights, coins):
        table.learn(torch.tensor(1.0))
    torch.testing.assert_close(weights.counts, responsible.mean(0))
    torch.testing.assert_close(coins.counts[:, 1], (responsible * heads[:, None]).mean(0))
    torch.testing.assert_close(coins.probability.sum(1), torch.ones(2))


def test_the_steps_of_em_shrink_to_a_fiftieth() -> None:
    schedule = Schedule(0.5)
    schedule.plan(100)
    steps = [schedule.next().item() for _ in range(101)]
    assert steps[0] == pytest.approx(0.5) and steps[-1] == pytest.approx(0.01)
    assert all(after < before for before, after in itertools.pairwise(steps))


GRAMMAR = {"side": 4, "symbols": 3}
BUILDS = {
    "hmm": lambda **more: Hmm(Hmm.Config(**{"side": 4, "states": 3, **more})),
    "hmm with rows": lambda **more: Hmm(Hmm.Config(**{"side": 4, "states": 3, "rows": True, **more})),
    "pcfg": lambda **more: Pcfg(Pcfg.Config(**{**GRAMMAR, **more})),
}


@pytest.mark.parametrize("name", BUILDS)
def test_em_never_decreases_the_likelihood_of_fixed_images(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    model, images = BUILDS[name](lr=1.0), ink(torch.rand(40, 1, 4, 4), seeded())
    model.begin(images, seeded())
    monkeypatch.setattr(Schedule, "next", lambda self: torch.tensor(1.0))
    optimizers = loop.Optimizers(model.config)
    found = [loop.step(model, images, optimizers, contract.FLOAT32, []).item() for _ in range(12)]
    assert all(after < before + 40 * SMOOTHING for before, after in itertools.pairwise(found))
    assert found[-1] < found[0] - 0.05


def test_the_start_from_the_data_is_better_than_one_at_random() -> None:
    kinds = (torch.rand(5, 1, 28, 28, generator=seeded()) < 0.3).float()
    images = ink(0.05 + 0.9 * kinds[torch.arange(300) % 5], seeded())
    for build in (
        lambda: Hmm(Hmm.Config(states=20)),
        lambda: Hmm(Hmm.Config(states=20, rows=True)),
        lambda: Pcfg(Pcfg.Config(symbols=8)),
    ):
        torch.manual_seed(0)
        model = build()
        before = model.log_prob(images, seeded()).mean()
        model.begin(images, seeded())
        assert model.log_prob(images, seeded()).mean() > before + 20


# Hidden Markov model ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [False, True])
def test_the_forward_algorithm_sums_over_all_chains_of_states(rows: bool) -> None:
    torch.manual_seed(0)
    model = Hmm(Hmm.Config(side=3, states=2, rows=rows))
    first, transition = model.first.probability, model.transition.probability
    light = model.emission.probability[..., 1]
    total = torch.zeros(len(IMAGES))
    for states in itertools.product(range(2), repeat=3):
        chance = first[states[0]]
        for t, (above, below) in enumerate(itertools.pairwise(states)):
            chance = chance * transition[t if rows else 0][above, below]
        of_rows = torch.stack([light[t if rows else 0][state] for t, state in enumerate(states)])
        pixels = torch.where(IMAGES[:, 0] == 1, of_rows, 1 - of_rows)
        total += (chance * pixels.prod(2).prod(1)).detach()
    torch.testing.assert_close(model.log_prob(IMAGES, seeded()), total.log(), rtol=1e-5, atol=1e-5)


# Grammar ---------------------------------------------------------------------------------------------------------


def test_the_inside_algorithm_sums_over_all_derivations() -> None:
    """Of 4 x 4 pixels with 2 symbols: 7 rectangles, so 128 derivations."""
    torch.manual_seed(0)
    model = Pcfg(Pcfg.Config(side=4, symbols=2))
    images = ink(torch.rand(6, 1, 4, 4), seeded())
    blocks = [images[:, 0, y : y + 2, x : x + 2].reshape(6, 4) for y in (0, 2) for x in (0, 2)]
    shown = [(block[:, None] == PATTERNS[None]).all(2).float() for block in blocks]  # (6, 16): which pattern it is
    upper_lower, left_right = (table.probability for table in model.rules)
    total = torch.zeros(6)
    for whole, *halves in itertools.product(range(2), repeat=7):
        symbols, quarters = halves[:2], halves[2:]
        chance = model.start.probability[0, whole]
        for half, symbol in enumerate(symbols):
            chance = chance * upper_lower[half, whole, symbol]
        for quarter, symbol in enumerate(quarters):
            chance = chance * left_right[quarter, symbols[quarter // 2], symbol]
        emitted = [shown[i] @ model.emission.probability[i, symbol] for i, symbol in enumerate(quarters)]
        total += (chance * torch.stack(emitted).prod(0)).detach()
    torch.testing.assert_close(model.log_prob(images, seeded()), total.log(), rtol=1e-5, atol=1e-5)


def test_pixels_outside_of_the_image_are_summed_out() -> None:
    """A 3 x 3 image lies in rectangles of 4 x 4; together its 512 values have probability one."""
    torch.manual_seed(0)
    model = Pcfg(Pcfg.Config(side=3, symbols=4))
    model.begin(torch.rand(60, 1, 3, 3), seeded())
    assert model.log_prob(IMAGES, seeded()).exp().sum().item() == pytest.approx(1, abs=1e-4)


def test_rectangles_are_cut_in_turn_and_put_together_again() -> None:
    torch.manual_seed(0)
    model, images = Pcfg(Pcfg.Config(side=7, symbols=2)), torch.rand(3, 1, 7, 7)
    assert torch.equal(model.tiling.images(model.tiling.blocks(images)), images)
    halves = halved(torch.arange(16).view(1, 4, 4), 2)
    assert halves.flatten(1).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


# Planted bugs ----------------------------------------------------------------------------------------------------


class PaddingObserved(Tiling):
    """Takes pixels outside of the image for paper instead of summing them out."""

    def blocks(self, images: torch.Tensor) -> torch.Tensor:
        if (images == 1).all():
            return torch.ones_like(super().blocks(images))
        return super().blocks(images)


class Transposed(Hmm):
    """Goes up the table of transitions in place of down."""

    def complete(self, images: torch.Tensor, known: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        with torch.no_grad():
            self.transition.probability.copy_(normalised(self.transition.counts.transpose(1, 2)))
        return super().complete(images, known, rng)


class NoMask(Autoregressive):
    """Sees the pixel that it predicts."""

    def __init__(self, config: Autoregressive.Config) -> None:
        super().__init__(config)
        self.before += torch.eye(config.side**2)
        with torch.no_grad():
            self.direct += torch.eye(config.side**2)


def test_planted_bugs_are_caught() -> None:
    torch.manual_seed(0)
    model = Pcfg(Pcfg.Config(side=3, symbols=4))
    model.tiling = PaddingObserved(3)
    assert model.log_prob(IMAGES, seeded()).exp().sum().item() < 0.99
    with pytest.raises(AssertionError):
        contract.completions_follow_the_conditional(lambda: Transposed(Hmm.Config(side=2, states=5)))
    with pytest.raises(AssertionError):
        contract.all_images_together_have_probability_one(lambda: NoMask(Autoregressive.Config(side=2, hidden=12)))
