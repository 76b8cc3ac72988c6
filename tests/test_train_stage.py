"""The stages that train a model and draw from it: what they write, and what they show on the way."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from contract import digits

from pipeline.core import artifacts
from pipeline.core.params import Compute, Samples
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import read_dataset, write_dataset
from pipeline.models import base
from pipeline.models.common.checkpoint import write_model
from pipeline.models.vae import Vae
from pipeline.stages import sample, train

COMPUTE = Compute(device="cpu", precision="float32", threads=1)
RESULTS = ("checkpoint", "history", "diagnostics", "snapshots", "record", "resume")


def files(folder: Path) -> dict[str, Path]:
    """Where the stage writes, by the names of its parameters."""
    return {f"{name}_file": folder / name for name in RESULTS}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    pixels, labels = as_pixels(digits(240)).numpy(), np.arange(240) % 3
    path = tmp_path / "images.npz"
    write_dataset(path, Dataset(pixels[:180], labels[:180], pixels[180:], labels[180:], ["a", "b", "c"]))
    return path


def trained(dataset: Path, folder: Path, family: str, **settings: Any) -> Path:
    train.main(
        name="it",
        family=family,
        settings=settings,
        compute=COMPUTE,
        seed=3,
        dataset_file=dataset,
        **files(folder),
    )
    return folder


class Bernoulli(base.FittedModel):
    """Each pixel by itself: the smallest family that is fitted instead of trained."""

    class Config(base.FamilyConfig):
        smoothing: float = 0.5

    def __init__(self, config: base.FamilyConfig) -> None:
        super().__init__(config)
        self.ink = torch.nn.Parameter(torch.zeros(1, 28, 28))

    def fit(self, images: torch.Tensor, rng: torch.Generator, tell: base.Tell) -> None:
        for step in (1, 2):
            with torch.no_grad():
                self.ink.copy_(images.mean(0))
            tell(step, 2, {"mean": self.ink.mean().item()})

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return (torch.rand(count, 1, 28, 28, generator=rng) < self.ink).float()


def test_a_fitted_family_goes_through_the_same_stage(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "family_class", lambda name: Bernoulli)
    folder = trained(dataset, tmp_path / "it", "bernoulli")
    weights, about = artifacts.read_weights(folder / "checkpoint")
    expected = read_dataset(dataset).train_images.mean(0) / 255
    np.testing.assert_allclose(weights["ink"][0].numpy(), expected, atol=1e-5)
    record = artifacts.read_json(folder / "record")
    assert about["family"] == "bernoulli" and record["images_seen"] == 360 and record["steps"] == 2
    assert 1e8 < record["peak_memory"] < 1e11
    assert list(pd.read_csv(folder / "history").columns) == ["step", "epoch", "mean"]
    assert len(pd.read_csv(folder / "diagnostics")) == 0
    assert len(artifacts.read_arrays(folder / "snapshots")["images"]) == 0


def test_two_trainings_with_the_same_seed_write_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    first, again = (trained(dataset, tmp_path / name, "gan", epochs=2, batch_size=50) for name in ("first", "again"))
    for name in ("checkpoint", "history", "diagnostics", "snapshots"):
        assert (first / name).read_bytes() == (again / name).read_bytes()
    assert not (first / "resume").exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_training_by_hand_shows_a_bar_and_a_log_gets_lines(dataset: Path, tmp_path: Path, terminal: bool) -> None:
    command = [
        *(sys.executable, "-m", "pipeline.stages.train", "--name", "it", "--family", "vae", "--seed", "3"),
        *("--settings", json.dumps({"epochs": 2}), "--compute", COMPUTE.model_dump_json()),
        *("--dataset-file", str(dataset)),
        *(word for name, file in files(tmp_path).items() for word in (f"--{name.replace('_', '-')}", str(file))),
    ]
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=secondary if terminal else None)
    os.close(secondary)
    assert ("it, seed 3: epoch 2/2" in done.stdout.decode()) != terminal
    if terminal:
        shown = os.read(primary, 65536).decode()
        assert "it, seed 3: 100%" in shown and "images/s" in shown and "epoch 2/2" in shown
    os.close(primary)


def test_samples_and_observations_share_one_stream_of_randomness(tmp_path: Path) -> None:
    """Two generators with one seed would draw a pixel's noise from the very bits that gave its code."""
    torch.manual_seed(0)
    model = Vae(Vae.Config()).eval()
    write_model(tmp_path / "checkpoint", model, "vae", {})
    sample.main(
        samples=Samples(count=1100, draws=1),
        seed=5,
        checkpoint_file=tmp_path / "checkpoint",
        samples_file=tmp_path / "samples.npz",
    )
    rng = torch.Generator().manual_seed(5)
    codes = torch.cat([torch.randn(1000, 2, generator=rng), torch.randn(100, 2, generator=rng)])
    with torch.no_grad():
        means = model.decode(codes)
    arrays = artifacts.read_arrays(tmp_path / "samples.npz")
    # The batch size may change the last bit of a product, and so one level of a pixel.
    assert np.abs(arrays["images"].astype(int) - as_pixels(means).numpy()).max() <= 1
    assert (arrays["observations"] != as_pixels(model.observe(means, rng)).numpy()).mean() < 1e-4
