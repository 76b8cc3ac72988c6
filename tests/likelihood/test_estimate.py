"""Each kind of model is asked in its own way."""

import math
from pathlib import Path

import pytest
import torch
from contract import digits

from pipeline.core import artifacts
from pipeline.core.params import Likelihood
from pipeline.core.shapes import as_images, as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.likelihood.estimate import Evidence, evidence
from pipeline.likelihood.protocol import inked, order
from pipeline.models.base import GenerativeModel, TrainingConfig
from pipeline.models.bayes_net import BayesNet
from pipeline.models.cgan import Cgan
from pipeline.models.common.checkpoint import write_model
from pipeline.models.cvae import Cvae
from pipeline.models.diffusion import Diffusion
from pipeline.models.ebm import Ebm
from pipeline.models.gan import Gan
from pipeline.models.gmm import Gmm
from pipeline.models.vae import Vae
from pipeline.stages import likelihood

SETTINGS = Likelihood(images=6, chains=2, steps=10)
TEST, TRAIN = as_pixels(digits(30)), as_pixels(digits(60, seed=1))


class Opaque(GenerativeModel):
    """Only draws."""

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand(count, 1, 28, 28, generator=rng)


def asked(model: GenerativeModel) -> Evidence:
    found = evidence(model.eval(), TEST, TRAIN, SETTINGS)
    assert found is not None and len(found.images) == len(found.lower) == len(found.upper)
    assert found.lower.isfinite().all() and (found.upper >= found.lower - 10).all()
    return found


def fitted(model: BayesNet | Gmm) -> BayesNet | Gmm:
    model.fit(as_images(TRAIN), torch.Generator().manual_seed(0), lambda *told: None)
    return model


def test_an_exact_density_says_its_log_probability() -> None:
    model = fitted(BayesNet(BayesNet.Config(trees=2, steps=1)))
    found = asked(model)
    assert (found.support, found.kind) == ("ink", "exact") and torch.equal(found.lower, found.upper)
    torch.testing.assert_close(found.lower, model.log_prob(inked(TEST), torch.Generator()))
    assert asked(fitted(Gmm(Gmm.Config(components=2, factors=2, steps=1)))).support == "levels"


def test_a_bound_has_no_upper_end() -> None:
    found = asked(Diffusion(Diffusion.Config(channels=8)))
    assert (found.support, found.kind) == ("levels", "bound") and found.upper.isinf().all()


def test_an_energy_has_the_interval_of_its_partition_function() -> None:
    model = Ebm(Ebm.Config(hidden=5, temperatures=20, burn_in=5))
    found = asked(model)
    assert found.kind == "estimate" and len(found.images) == len(TEST)
    torch.testing.assert_close(found.upper - found.lower, torch.full((30,), found.gap), atol=1e-3, rtol=0)


@pytest.mark.parametrize("model", [Vae(Vae.Config(latent=2)), Cvae(Cvae.Config(latent=1))], ids=["vae", "cvae"])
def test_a_code_of_two_numbers_is_summed_on_a_grid(model: GenerativeModel) -> None:
    found = asked(model)
    assert found.kind == "exact" and found.floor == 0 and len(found.images) == len(TEST)


@pytest.mark.parametrize("kind", [Gan, Cgan])
def test_a_longer_code_is_integrated_for_a_few_images(kind: type[Gan | Cgan]) -> None:
    found = asked(kind(kind.Config()))
    assert found.kind == "estimate" and found.floor > 0
    assert found.images.tolist() == order(len(TEST))[:6].tolist()
    assert ("10 chains" if kind is Cgan else "2 chains") in found.method  # as many with each class


def test_a_classes_sum_is_the_mean_of_the_probabilities_given_each(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = Cvae(Cvae.Config(latent=1)).eval()
    whole = asked(model).lower
    given = []
    for label in range(10):
        monkeypatch.setattr(
            model, "decode_labelled", lambda z, _, y=label: Cvae.decode_labelled(model, z, torch.full((len(z),), y))
        )
        given.append(asked(model).lower)
    torch.testing.assert_close(whole, torch.stack(given).logsumexp(0) - math.log(10), atol=1e-3, rtol=1e-5)


def test_a_model_without_a_density_or_a_decoder_gives_no_number(tmp_path: Path) -> None:
    assert evidence(Opaque(TrainingConfig(epochs=1, batch_size=1, lr=1.0)), TEST, TRAIN, SETTINGS) is None


def test_the_stage_writes_scores_images_and_a_summary(tmp_path: Path) -> None:
    labels = torch.arange(60) % 10
    data = Dataset(TRAIN.numpy(), labels.numpy(), TEST.numpy(), labels[:30].numpy(), list("0123456789"))
    write_dataset(tmp_path / "data.npz", data)
    write_model(tmp_path / "gan.safetensors", Gan(Gan.Config()), "gan", {"seed": "0"})
    files = {name: tmp_path / name for name in ("scores.csv", "images.csv", "about.json")}
    likelihood.main(
        likelihood=SETTINGS,
        source="gan",
        seed=0,
        dataset_file=tmp_path / "data.npz",
        checkpoint_file=tmp_path / "gan.safetensors",
        scores_file=files["scores.csv"],
        images_file=files["images.csv"],
        about_file=files["about.json"],
    )
    about, images = artifacts.read_json(files["about.json"]), artifacts.read_table(files["images.csv"])
    scores = artifacts.read_table(files["scores.csv"])
    assert about["lower"] == pytest.approx(images["lower"].mean(), rel=1e-4) and about["images"] == 6
    assert scores["metric"].tolist() == ["ink_nats"] and scores["value"].item() == pytest.approx(about["lower"])
    assert images["image"].is_monotonic_increasing
