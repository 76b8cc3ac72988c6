"""A killed training goes on to the same bits; whatever is wrong with the resume file costs time only."""

import functools
import multiprocessing
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from contract import FLOAT32, digits
from torch import nn
from workspace import toy_images

from pipeline.core import artifacts
from pipeline.core.params import Compute
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.models.base import Objective, TrainedModel, TrainingConfig
from pipeline.models.gan import Gan
from pipeline.models.vae import Vae
from pipeline.stages import train
from pipeline.training import loop
from pipeline.training.monitor import Monitor
from pipeline.training.resume import ResumeFile, digest, key_of


class Normed(TrainedModel):
    """Buffers that the training changes, a part of a part, dropout from the global generator."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(config)
        self.parts = nn.ModuleDict({"line": nn.Sequential(nn.Linear(784, 5), nn.BatchNorm1d(5), nn.Dropout(0.5))})

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        yield Objective(self.parts["line"], {"loss": self.parts["line"](images.flatten(1)).square().mean()})

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand(count, 1, 28, 28, generator=rng)


class Counted(TrainedModel):
    """Starts from the data, and moves by a rule of its own that needs the gradients."""

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__(config)
        self.table = nn.Parameter(torch.zeros(784))

    def begin(self, images: torch.Tensor, rng: torch.Generator) -> None:
        with torch.no_grad():
            self.table.copy_(images.flatten(1).mean(0) * torch.rand(784, generator=rng))

    def objectives(self, images: torch.Tensor) -> Iterator[Objective]:
        yield Objective(self, {"loss": (self.table - images.flatten(1)).square().sum() / len(images)}, rule=self.step)

    def step(self) -> None:
        with torch.no_grad():
            self.table -= 0.1 * self.table.grad / 2

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand(count, 1, 28, 28, generator=rng)


BUILDS = {
    "counted": lambda: Counted(TrainingConfig(epochs=3, batch_size=100, lr=1e-2)),
    "gan": lambda: Gan(Gan.Config(epochs=3, batch_size=100)),
    "averaged": lambda: Gan(Gan.Config(epochs=3, batch_size=100, ema=0.9)),
    "vae": lambda: Vae(Vae.Config(epochs=3, batch_size=100)),
    "falling rate": lambda: Vae(Vae.Config(epochs=3, batch_size=100, linear_decay=True)),
    "normed": lambda: Normed(TrainingConfig(epochs=3, batch_size=100, lr=1e-2)),
}


class Killed(BaseException):
    """Stands for SIGKILL."""


class Killing(ResumeFile):
    """Written after every step; the process dies after `steps` of them."""

    def __init__(self, path: Path, steps: int) -> None:
        super().__init__(path, "key", print, every=0.0)
        self.steps = steps

    def write(self, state) -> None:
        super().write(state)
        self.steps -= 1
        if self.steps == 0:
            raise Killed


def silent(progress: loop.Progress) -> None:
    pass


def trained(name: str, resume: ResumeFile | None = None) -> tuple[TrainedModel, loop.History, Monitor]:
    torch.manual_seed(0)
    model, pixels = BUILDS[name](), as_pixels(digits(250))
    monitor = Monitor(model, pixels, FLOAT32)
    return model, loop.train(model, pixels, FLOAT32, 0, silent, resume, monitor), monitor


@functools.cache
def undisturbed(name: str) -> tuple[TrainedModel, loop.History, Monitor]:
    return trained(name)


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("steps", [1, 3, 5])  # of three an epoch
def test_a_training_goes_on_to_the_same_bits(name: str, steps: int, tmp_path: Path) -> None:
    whole, history, monitor = undisturbed(name)
    with pytest.raises(Killed):
        trained(name, Killing(tmp_path / "resume", steps))
    again, history_again, monitor_again = trained(name, Killing(tmp_path / "resume", -1))
    for log, log_again in ((history, history_again), (monitor.checks, monitor_again.checks)):
        assert log.rows == log_again.rows and log.columns == log_again.columns and log.rows
    assert list(monitor.snapshots) == list(monitor_again.snapshots) == list(range(1, 10))
    assert all(torch.equal(monitor.snapshots[step], monitor_again.snapshots[step]) for step in monitor.snapshots)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])


# By real kills ----------------------------------------------------------------------------------------------------


def test_killed_at_random_moments_a_training_ends_at_the_same_bytes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """SIGKILL at any instant: before the first step, in a step, while the resume file or a result is written."""
    images, labels = toy_images(2148, seed=0)
    dataset, rng = tmp_path / "images.npz", random.Random(time.time_ns())
    write_dataset(dataset, Dataset(images[:2048], labels[:2048], images[2048:], labels[2048:], ["a", "b", "c"]))
    # Each training is a fork of one process, which has done the imports.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["pipeline.stages.train"])

    def started(folder: Path) -> multiprocessing.process.BaseProcess:
        process = processes.Process(target=train.main, kwargs=arguments(folder, dataset))
        process.start()
        return process

    def ends_well(process: multiprocessing.process.BaseProcess) -> None:
        process.join()
        assert process.exitcode == 0

    ends_well(started(tmp_path / "whole"))
    folder = tmp_path / "killed"
    for kill in range(request.config.getoption("--kills")):
        written = (folder / "resume").stat().st_mtime_ns if (folder / "resume").exists() else 0
        process = started(folder)
        # Three of four die after they have written a resume file of their own, one of four at any moment.
        while kill % 4 and process.is_alive():
            if (folder / "resume").exists() and (folder / "resume").stat().st_mtime_ns != written:
                break
            time.sleep(0.01)
        process.join(timeout=rng.uniform(0.0, 1.0))
        if process.is_alive():
            process.kill()
            process.join()
        else:
            assert process.exitcode == 0
            assert_same_results(folder, tmp_path / "whole")
            for file in folder.iterdir():
                file.unlink()  # Once more from the beginning.
    ends_well(started(folder))
    assert_same_results(folder, tmp_path / "whole")


def arguments(folder: Path, dataset: Path) -> dict[str, Any]:
    """Those of the stage, for a training of seconds that writes its resume file as often as it can."""
    return {
        **{"name": "it", "family": "gan", "seed": 0, "settings": {"epochs": 6, "batch_size": 128, "ema": 0.99}},
        **{"compute": Compute(device="cpu", precision="auto", threads=1), "dataset_file": dataset},
        **{"resume_file": folder / "resume", "resume_every": 0.1, "checkpoint_file": folder / "checkpoint"},
        **{"history_file": folder / "history.csv", "diagnostics_file": folder / "diagnostics.csv"},
        **{"snapshots_file": folder / "snapshots.npz", "record_file": folder / "record.json"},
    }


def assert_same_results(folder: Path, whole: Path) -> None:
    """The same bytes, and nothing left behind."""
    same = ["checkpoint", "diagnostics.csv", "history.csv", "snapshots.npz"]
    for name in same:
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    assert sorted(file.name for file in folder.iterdir()) == sorted([*same, "record.json"])


# What may be wrong with the file ----------------------------------------------------------------------------------

STATE = {"model/weight": torch.arange(6.0), "position": torch.tensor([1, 2])}


def test_another_key_starts_anew_with_a_sentence(tmp_path: Path) -> None:
    said: list[str] = []
    ResumeFile(tmp_path / "it", "one", said.append).write(STATE)
    assert ResumeFile(tmp_path / "it", "other", said.append).read() is None
    assert "other data, settings or code" in said[0]
    found = ResumeFile(tmp_path / "it", "one", said.append).read()
    assert found is not None and torch.equal(found["position"], STATE["position"]) and len(said) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_a_damaged_file_starts_anew_with_a_sentence(damage: str, tmp_path: Path) -> None:
    said: list[str] = []
    file = ResumeFile(tmp_path / "it", "key", said.append)
    file.write(STATE)
    content = bytearray(file.path.read_bytes())
    content[-1] ^= 1
    file.path.write_bytes({"cut": content[:-8], "flipped": content, "emptied": b""}[damage])
    assert file.read() is None
    assert len(said) == 1 and str(file.path) in said[0] and "starts from the beginning" in said[0]


def test_a_folder_that_cannot_be_written_does_not_stop_the_training(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").touch()
    _, history, _ = trained("vae", ResumeFile(tmp_path / "file" / "it", "key", said.append, every=0.0))
    assert len(history.rows) == 9
    assert "training goes on" in said[0]


def test_a_full_disk_keeps_the_file_that_is_there(tmp_path: Path) -> None:
    said: list[str] = []
    file = ResumeFile(tmp_path / "it", "key", said.append)
    file.write(STATE)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        file.write(STATE | {"model/weight": torch.zeros(1000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(said) == 1 and "its last resume file" in said[0]
    found = file.read()
    assert found is not None and digest(found) == digest(STATE)
    assert os.listdir(tmp_path) == ["it"]


def test_weights_that_are_no_numbers_do_not_replace_healthy_ones(tmp_path: Path) -> None:
    file = ResumeFile(tmp_path / "it", "key", print)
    file.write(STATE)
    file.write(STATE | {"model/weight": torch.tensor([float("nan")])})
    found = file.read()
    assert found is not None and digest(found) == digest(STATE)


def test_a_diverged_training_names_the_healthy_state_that_is_kept(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Vae(Vae.Config(epochs=3, batch_size=50, lr=1e3))
    resume = ResumeFile(tmp_path / "it", "key", print, every=0.0)
    with pytest.raises(loop.Diverged, match="last healthy state is kept in"):
        loop.train(model, as_pixels(digits(250)), FLOAT32, 0, silent, resume)
    found = resume.read()
    assert found is not None and all(value.isfinite().all() for value in found.values())


def test_the_key_is_of_data_settings_and_loaded_code(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"1")
    (tmp_path / "other").write_bytes(b"2")
    keys = [key_of(tmp_path / "one", "a"), key_of(tmp_path / "one", "b"), key_of(tmp_path / "other", "a")]
    assert len(set(keys)) == 3 and keys[0] == key_of(tmp_path / "one", "a")


def test_the_key_changes_with_the_code_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").touch()
    before = key_of(tmp_path / "data", "")
    read = Path.read_bytes
    edited = {"training.py": b"# edited"}
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + edited.get(path.name, b""))
    assert key_of(tmp_path / "data", "") != before


def test_what_a_killed_writer_left_is_removed_and_a_part_of_a_living_or_far_one_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = {
        "left": f"{artifacts.HOST}.{dead.pid}",
        "living": f"{artifacts.HOST}.{os.getppid()}",
        "far": f"far.{dead.pid}",
    }
    parts = {of: tmp_path / f".it.{name}.part" for of, name in names.items()}
    for part in parts.values():
        part.touch()
    artifacts.write_text(tmp_path / "it", "done")
    assert {of for of, part in parts.items() if part.exists()} == {"living", "far"}
