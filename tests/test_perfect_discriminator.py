"""Arjovsky & Bottou's experiment."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import torch
from contract import FLOAT32
from workspace import toy_images

from pipeline.core.params import Compute
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.models.alpha_gan import AlphaGan
from pipeline.models.common.checkpoint import write_model
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages import perfect_discriminator as stage

COMPUTE = Compute(device="cpu", precision="float32", threads=1)


@pytest.mark.parametrize("loss", ["saturating", "nonsaturating"])
def test_the_saturating_gradient_dies_and_the_other_grows_whichever_the_model_was_trained_with(
    mnist: Dataset, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "STEPS", 24)
    torch.manual_seed(0)
    model = Gan(Gan.Config(loss=loss, lr=1e-3))
    generator = {name: value.clone() for name, value in model.generator.state_dict().items()}
    table = pd.DataFrame(stage.beaten(model, torch.from_numpy(mnist.train_images), FLOAT32))
    assert table["step"].tolist() == list(range(25))
    first, last = table.iloc[0], table.iloc[-1]
    assert last["saturating"] < 1e-3 * first["saturating"]
    assert last["nonsaturating"] > 3 * first["nonsaturating"]
    assert last["D_fake"] < 1e-3 and last["D_right"] > 0.99
    for name, value in model.generator.state_dict().items():
        assert torch.equal(value, generator[name]), "the generator should stay as it is"


def test_a_model_without_a_discriminator_gets_a_sentence(tmp_path: Path) -> None:
    write_model(tmp_path / "c", Vae(Vae.Config()), "vae", {})
    with pytest.raises(ValueError, match="expected an Adversarial model; found Vae"):
        stage.main(
            compute=COMPUTE,
            checkpoint_file=tmp_path / "c",
            dataset_file=tmp_path / "none",
            gradients_file=tmp_path / "gradients",
        )


def test_all_but_the_discriminator_is_as_the_training_left_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss of an alpha-GAN's generator asks its encoder too, which must not be a new one."""
    images, labels = toy_images(60, seed=0)
    write_dataset(tmp_path / "data", Dataset(images, labels, images[:6], labels[:6], ["a", "b", "c"]))
    torch.manual_seed(7)
    trained = AlphaGan(AlphaGan.Config(batch_size=20))
    write_model(tmp_path / "c", trained, "alpha_gan", {})
    seen: list[dict[str, torch.Tensor]] = []

    def look(model: AlphaGan, *_: object) -> Iterator[dict[str, float]]:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        yield {"step": 0}

    monkeypatch.setattr(stage, "beaten", look)
    stage.main(
        compute=COMPUTE,
        checkpoint_file=tmp_path / "c",
        dataset_file=tmp_path / "data",
        gradients_file=tmp_path / "gradients",
    )
    torch.manual_seed(stage.SEED)
    fresh = AlphaGan(trained.config).state_dict()
    assert {name.partition(".")[0] for name in fresh} > {"encoder", "generator", "discriminator"}
    for name, value in trained.state_dict().items():
        expected = fresh[name] if name.startswith("discriminator.") else value
        assert torch.equal(seen[0][name], expected), name
    assert not torch.equal(seen[0]["discriminator.0.weight"], trained.state_dict()["discriminator.0.weight"])
