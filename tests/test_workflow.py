"""The Snakefile against the code: rules are stages, and every file that decides a number is an input."""

import ast
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ROOT
from contract import digits

from pipeline.core import artifacts, families
from pipeline.core.shapes import as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import read_dataset, write_dataset
from pipeline.models import base
from pipeline.models.common.checkpoint import write_model
from pipeline.models.vae import Vae
from pipeline.stages import sample, train
from pipeline.workflow import orchestration

SNAKEFILE = (ROOT / "Snakefile").read_text()
# Modules that carry values without changing them; see DECISIONS.md.
PLUMBING = {"params", "artifacts", "dataset", "families", "orchestration"}
SAID = {"train": {"alarms"}}  # decides only what the stage says on the way: no reason to train again
TARGETS = {"all", "families"}
NO_RULE = {"bundle"}  # a stage for `make site-single` only


def rules() -> dict[str, str]:
    """The text of each rule."""
    parts = re.split(r"^rule (\w+):$", SNAKEFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def stages() -> set[str]:
    return {file.stem for file in (ROOT / "pipeline" / "stages").glob("*.py")} - {"__init__"} - NO_RULE


def test_every_rule_is_a_stage_and_every_stage_a_rule() -> None:
    assert set(rules()) - TARGETS == stages()
    for name in stages():
        assert f"python -m pipeline.stages.{name} " in rules()[name]


def test_every_rule_logs_and_what_takes_long_is_benchmarked() -> None:
    for name, text in rules().items():
        if name not in TARGETS:
            assert "    log:\n" in text and "2>{log:q}" in text
        assert ("    benchmark:\n" in text) == (name.startswith("train") or name == "measure")


def imports(module: str) -> Iterator[str]:
    """The modules of the pipeline that a module imports, as `figures/style`."""
    path = ROOT / "pipeline" / f"{module}.py"
    if not path.exists():
        path = ROOT / "pipeline" / module / "__init__.py"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline"):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            inside = name.removeprefix("pipeline").removeprefix(".").replace(".", "/")
            if inside and ((ROOT / "pipeline" / f"{inside}.py").exists() or (ROOT / "pipeline" / inside).is_dir()):
                yield inside


def reached(module: str) -> set[str]:
    """All that a module imports, and what that imports, but for plumbing and `__init__` files without code."""
    found: set[str] = set()
    todo = [module]
    while todo:
        for name in imports(todo.pop()):
            if name not in found | PLUMBING and name not in {"stages", "models", "metrics", "figures"}:
                found.add(name)
                todo.append(name)
    return found


def declared(rule: str) -> set[str]:
    """The source files that the rule lists, in the same spelling."""
    done = subprocess.run(
        [sys.executable, "-c", SPELL_OUT, rules()[rule]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = done.stdout.split()
    inside = {file.removeprefix("pipeline/").removesuffix(".py").removesuffix("/__init__") for file in files}
    return inside | (
        {f"models/{name}" for name in families.names()} if "family=family_file" in rules()[rule] else set()
    )


# Evaluates the `code=` line of a rule with the Snakefile's own definitions.
SPELL_OUT = """
import re, sys
from pathlib import Path
source = Path("Snakefile").read_text()
names = {"Path": Path}
exec(re.search(r"^def code.*?(?=^def family)", source, re.M | re.S).group(), names)
line = re.search(r"code=(.*?),\\n        (?:\\w+=|\\w|\\})|code=(.*?),\\n    \\w", sys.argv[1], re.S)
print(*eval(line.group(1) or line.group(2), names))
"""


@pytest.mark.parametrize("stage", sorted(stages()))
def test_a_rule_lists_the_code_that_its_stage_reaches(stage: str) -> None:
    missing = reached(f"stages/{stage}") - declared(stage) - SAID.get(stage, set())
    assert not missing, f"rule {stage} should list {sorted(missing)} as code"
    needless = declared(stage) - reached(f"stages/{stage}") - {f"stages/{stage}"}
    needless = {name for name in needless if not name.startswith(("models/", "figures", "report"))} - {"families"}
    allowed = {"blocks", "shapes", "models/base"}  # reached through the family that a checkpoint names
    assert not needless - allowed, f"rule {stage} lists {sorted(needless)}, which its stage does not use"


@pytest.mark.parametrize(
    ("threads", "cores", "processors", "expected"),
    [(1, 4, 2, 2), (2, 4, 2, 4), (2, 2, 2, 2), (1, 4, 8, 1), (2, 8, 8, 2), (2, 3, 2, 3), (2, None, 8, 2)],
)
def test_trainings_side_by_side_have_as_many_threads_as_there_are_processors(
    threads: int, cores: int | None, processors: int, expected: int
) -> None:
    assert orchestration.share(threads, cores, processors) == expected


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    pixels, labels = as_pixels(digits(240)).numpy(), np.arange(240) % 3
    path = tmp_path / "images.npz"
    write_dataset(path, Dataset(pixels[:180], labels[:180], pixels[180:], labels[180:], ["a", "b", "c"]))
    return path


class Bernoulli(base.FittedModel):
    """Each pixel by itself: the smallest family that is fitted instead of trained."""

    class Config(base.FamilyConfig):
        smoothing: float = 0.5

    def __init__(self, config: base.FamilyConfig) -> None:
        super().__init__(config)
        self.ink = torch.nn.Parameter(torch.zeros(1, 28, 28))

    def fit(self, images: torch.Tensor) -> None:
        with torch.no_grad():
            self.ink.copy_(images.mean(0))

    def sample(self, count: int, rng: torch.Generator) -> torch.Tensor:
        return (torch.rand(count, 1, 28, 28, generator=rng) < self.ink).float()


def test_a_fitted_family_goes_through_the_same_stage(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "family_class", lambda name: Bernoulli)
    train.main([
        *("--model", "dots", "--family", "bernoulli", "--config", "{}", "--seed", "3"),
        *("--compute", '{"device": "cpu", "precision": "float32", "threads": 1}', "--dataset", str(dataset)),
        *("--checkpoint", str(tmp_path / "c.safetensors"), "--history", str(tmp_path / "h.csv")),
        *("--record", str(tmp_path / "r.json"), "--resume", str(tmp_path / "resume")),
        *("--checks", str(tmp_path / "k.csv"), "--snapshots", str(tmp_path / "s.npz")),
    ])  # fmt: skip
    weights, about = artifacts.read_weights(tmp_path / "c.safetensors")
    expected = read_dataset(dataset).train_images.mean(0) / 255
    np.testing.assert_allclose(weights["ink"][0].numpy(), expected, atol=1e-5)
    record = artifacts.read_json(tmp_path / "r.json")
    assert about["family"] == "bernoulli" and record["images_seen"] == 180 and record["steps"] == 0
    assert 1e8 < record["peak_memory"] < 1e11
    assert list(pd.read_csv(tmp_path / "h.csv").columns) == ["step", "epoch"]
    assert len(pd.read_csv(tmp_path / "k.csv")) == 0
    assert len(artifacts.read_arrays(tmp_path / "s.npz")["images"]) == 0


def test_two_trainings_with_the_same_seed_write_the_same_bytes(dataset: Path, tmp_path: Path) -> None:
    for name in ("first", "again"):
        train.main([
            *("--model", "gan", "--family", "gan", "--config", '{"epochs": 2, "batch_size": 50}', "--seed", "3"),
            *("--compute", '{"device": "cpu", "precision": "float32", "threads": 1}', "--dataset", str(dataset)),
            *("--checkpoint", str(tmp_path / f"{name}.safetensors"), "--history", str(tmp_path / f"{name}.csv")),
            *("--record", str(tmp_path / f"{name}.json"), "--resume", str(tmp_path / "resume")),
            *("--checks", str(tmp_path / f"{name}-checks.csv"), "--snapshots", str(tmp_path / f"{name}.npz")),
        ])  # fmt: skip
    for ending in (".safetensors", ".csv", "-checks.csv", ".npz"):
        assert (tmp_path / f"first{ending}").read_bytes() == (tmp_path / f"again{ending}").read_bytes()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_training_by_hand_shows_a_bar_and_a_log_gets_lines(dataset: Path, tmp_path: Path, terminal: bool) -> None:
    command = [
        *(
            sys.executable,
            "-m",
            "pipeline.stages.train",
            "--model",
            "it",
            "--family",
            "vae",
            "--config",
            '{"epochs": 2}',
        ),
        *("--compute", '{"device": "cpu", "precision": "float32", "threads": 1}', "--dataset", str(dataset)),
        *("--seed", "3", "--checkpoint", str(tmp_path / "c"), "--history", str(tmp_path / "h")),
        *("--checks", str(tmp_path / "k"), "--snapshots", str(tmp_path / "s")),
        *("--record", str(tmp_path / "r"), "--resume", str(tmp_path / "resume")),
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


def test_samples_and_draws_share_one_stream_of_randomness(tmp_path: Path) -> None:
    """Two generators with one seed would draw a pixel's noise from the very bits that gave its code."""
    torch.manual_seed(0)
    model = Vae(Vae.Config()).eval()
    write_model(tmp_path / "c.safetensors", model, "vae", {})
    sample.main([
        *("--config", '{"count": 1100, "draws": 1}', "--seed", "5", "--checkpoint", str(tmp_path / "c.safetensors")),
        *("--samples", str(tmp_path / "s.npz")),
    ])  # fmt: skip
    rng = torch.Generator().manual_seed(5)
    codes = torch.cat([torch.randn(1000, 2, generator=rng), torch.randn(100, 2, generator=rng)])
    with torch.no_grad():
        means = model.decode(codes)
    arrays = artifacts.read_arrays(tmp_path / "s.npz")
    # The batch size may change the last bit of a product, and so one level of a pixel.
    assert np.abs(arrays["images"].astype(int) - as_pixels(means).numpy()).max() <= 1
    assert (arrays["draws"] != as_pixels(model.observe(means, rng)).numpy()).mean() < 1e-4


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_file_gets_a_sentence(tmp_path: Path, damage: str) -> None:
    arrays, weights = tmp_path / "a.npz", tmp_path / "w.safetensors"
    artifacts.write_arrays(arrays, images=np.zeros((5, 28, 28), np.uint8))
    artifacts.write_weights(weights, {"w": torch.zeros(5)}, {})
    for path, read in ((arrays, artifacts.read_arrays), (weights, artifacts.read_weights)):
        path.write_bytes(path.read_bytes()[:60] if damage == "cut" else b"not at all what it should be")
        with pytest.raises(ValueError, match=rf"{path.name} should be an intact .*Delete it and run again"):
            read(path)


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    artifacts.write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        artifacts.write_json(path, {"new": float("nan")})
    with pytest.raises(KeyboardInterrupt), artifacts.atomic(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert artifacts.read_json(path) == {"old": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]
