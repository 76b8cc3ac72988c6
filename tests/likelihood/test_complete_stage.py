"""The stage that lets a model complete images."""

from pathlib import Path

import pytest
import torch
from contract import digits

from pipeline.core import artifacts
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.evaluation.classifier import Classifier, Ensemble
from pipeline.models.base import GenerativeModel
from pipeline.models.cgan import Cgan
from pipeline.models.common.checkpoint import write_model
from pipeline.models.vae import Vae
from pipeline.stages import complete, plot_completions


def run(folder: Path, model: GenerativeModel, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = as_pixels(digits(20)).numpy(), as_pixels(digits(12, seed=1)).numpy()
    labels = torch.arange(20).numpy() % 10
    write_dataset(folder / "data.npz", Dataset(train, labels, test, labels[:12], list("0123456789")))
    write_model(folder / "model.safetensors", model, family, {"seed": "0"})
    monkeypatch.setattr(complete, "read_classifier", lambda path: Ensemble([Classifier(10)]).eval())
    complete.main(
        source="mine",
        seed=0,
        dataset_file=folder / "data.npz",
        classifier_file=folder / "classifier",
        checkpoint_file=folder / "model.safetensors",
        scores_file=folder / "scores.csv",
        images_file=folder / "images.npz",
    )


def test_scores_and_pictures_of_every_hidden_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    run(tmp_path, Vae(Vae.Config()), "vae", monkeypatch)
    scores, arrays = artifacts.read_table(tmp_path / "scores.csv"), artifacts.read_arrays(tmp_path / "images.npz")
    assert scores["hidden"].nunique() == 5 and scores["hidden"].iloc[-1] == "nothing"
    assert scores["value"].between(0, 1).all() and (scores["lower"] <= scores["value"]).all()
    assert scores["n"].tolist() == [36] * 4 + [12]
    assert arrays["completed_0"].shape == (8, 3, 28, 28) and arrays["known_3"].shape == (8, 28, 28)
    plot_completions.main(images_file=tmp_path / "images.npz", picture_file=tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes()[:4] == b"\x89PNG"


def test_a_model_that_cannot_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="expected a Completing or a Decoder; found a Cgan, which cannot complete"):
        run(tmp_path, Cgan(Cgan.Config()), "cgan", monkeypatch)
