"""A throw-away copy of the project with a data set of toy size, in which the whole workflow takes a minute."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
SNAKEMAKE = ("snakemake", "--cores", "2")
CLASSES = 3
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # there are two processors, and two processes
ENVIRONMENT = (
    os.environ
    | ONE_THREAD
    | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
    }
)
PRESET = {
    "data": {"dataset": "toy.npz"},
    "seeds": [0],
    "compute": {"device": "cpu", "precision": "float32"},
    "classifier": {"members": 2, "epochs": 1},
    "models": {"gan": {"epochs": 1, "batch_size": 60}, "vae": {"epochs": 1}},
    "samples": {"count": 100, "draws": 2},
    "metrics": {"random_networks": 1, "sensitivity": False},
    "likelihood": {"images": 12, "chains": 2, "steps": 10},
}


class Workspace:
    """One copy: files, and the two tools run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def create(cls, folder: Path) -> "Workspace":
        """Copy what git would commit, with toy data and settings, and commit it."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        for name in listed.splitlines():
            if (ROOT / name).is_file() and not name.startswith(("tests/", "bench/")):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / "dvc.lock").unlink(missing_ok=True)
        made = cls(folder)
        params = made.params()
        params["preset"], params["presets"] = "toy", {"toy": PRESET}
        del params["models"]["gan_saturating"]
        made.set_params(params)
        write_toy_data(folder / "toy.npz")
        made.run("git", "init", "--quiet", "--initial-branch", "main")
        made.run("git", "add", "--all")
        made.run("git", "commit", "--quiet", "--message", "toy")
        return made

    def cloned(self, into: Path) -> "Workspace":
        """What a colleague gets: git clone, dvc pull."""
        self.run("git", "clone", "--quiet", str(self.folder), str(into))
        made = Workspace(into)
        made.run("dvc", "pull", "--quiet")
        return made

    def params(self) -> dict[str, Any]:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set_params(self, params: dict[str, Any]) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def edit(self, path: str, value: Any) -> None:
        """Set one key of the toy preset: `edit("models.gan.lr", 1e-3)`."""
        params = self.params()
        *above, last = path.split(".")
        section = params["presets"]["toy"]
        for key in above:
            section = section.setdefault(key, {})
        section[last] = value
        self.set_params(params)

    def run(self, *command: str, fails: bool = False) -> str:
        """What a command prints; it must succeed, or fail if that is expected."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=ENVIRONMENT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)} -> {done.returncode}\n{done.stdout}"
        return done.stdout

    def planned(self) -> dict[str, int]:
        """The rules that Snakemake would run, with the number of their jobs."""
        printed = self.run("snakemake", "--dry-run", "--quiet", "reason")
        if "Nothing to be done" in printed:
            return {}
        table = printed.rpartition("Job stats:")[2].partition("total")[0]
        return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}

    def is_clean(self) -> bool:
        return self.planned() == {} and "up to date" in self.run("dvc", "status")

    def record(self, model: str, seed: int = 0) -> dict[str, Any]:
        return json.loads((self.folder / f"results/training/{model}/{seed}.json").read_text())

    def trained(self) -> dict[str, float]:
        """When each checkpoint was written."""
        folder = self.folder / "checkpoints" / "models"
        return {str(file.relative_to(folder)): file.stat().st_mtime_ns for file in folder.rglob("*.safetensors")}

    def metrics(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "results" / "metrics.csv")


def write_toy_data(path: Path) -> None:
    """240 images to train on, 120 to test."""
    images, labels = toy_images(360, seed=0)
    np.savez(
        path,
        train_images=images[:240], train_labels=labels[:240], test_images=images[240:], test_labels=labels[240:],
    )  # fmt: skip


def toy_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bars, crosses and rings with noise: images (count, 28, 28) uint8, labels (count,)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:28, :28] - 13.5
    shapes = [abs(x) < 3, abs(abs(x) - abs(y)) < 2, abs(np.hypot(x, y) - 8) < 2]
    labels = np.arange(count) % CLASSES
    images = np.stack([np.roll(shapes[k] * 200.0, rng.integers(-3, 4, 2), (0, 1)) for k in labels])
    return np.clip(images + rng.normal(0, 15, images.shape), 0, 255).astype(np.uint8), labels
