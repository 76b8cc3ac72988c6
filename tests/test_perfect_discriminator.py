"""Arjovsky & Bottou's experiment."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from contract import FLOAT32

from pipeline.data.dataset import Dataset
from pipeline.models.common.checkpoint import write_model
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages import perfect_discriminator as stage


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
    compute = '{"device": "cpu", "precision": "float32", "threads": 1}'
    with pytest.raises(ValueError, match="expected an Adversarial model; found Vae"):
        stage.main([
            *("--compute", compute, "--checkpoint", str(tmp_path / "c"), "--dataset", str(tmp_path / "none")),
            *("--gradients", str(tmp_path / "g")),
        ])  # fmt: skip
