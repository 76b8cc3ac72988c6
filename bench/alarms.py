"""Do the alarms fire where a training is broken, and only there? Whole trainings, with labels.

Run it as `PYTHONPATH=. python bench/alarms.py`, after `snakemake train_classifier`; it takes half an hour on one core.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from end_to_end import ENVIRONMENT, ROOT, about

from pipeline.core import artifacts

LAPTOP = {"lr": 4e-4, "betas": [0.5, 0.999], "ema": 0.999}
ARMS: dict[str, tuple[str, dict, int]] = {  # family, settings, seeds
    "vae, the paper's settings": ("vae", {}, 5),
    "gan, the preset laptop's settings, 12 epochs": ("gan", {"epochs": 12, **LAPTOP}, 5),
    "gan, the paper's settings, 12 epochs": ("gan", {"epochs": 12}, 2),
    "gan, saturating loss, 2 epochs": ("gan", {"epochs": 2, "loss": "saturating"}, 5),
    "vae, beta 100": ("vae", {"beta": 100, "epochs": 2}, 2),
    "vae, learning rate 1000": ("vae", {"lr": 1e3}, 2),
}
COMPUTE = {"device": "cpu", "precision": "auto", "threads": 1}


def stage(name: str, **flags: object) -> subprocess.CompletedProcess:
    listed = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    command = [sys.executable, "-m", f"pipeline.stages.{name}", *listed]
    return subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)


def alarms(family: str, config: dict, seed: int, folder: Path) -> list:
    """The alarms of one training, or the sentence that it ended with."""
    files = {name: folder / name for name in ("history", "checks", "snapshots")}
    trained = stage(
        "train",
        model=family, family=family, config=json.dumps(config), compute=json.dumps(COMPUTE), seed=seed,
        dataset=ROOT / "data" / "images.npz", resume=folder / "resume", checkpoint=folder / "checkpoint",
        record=folder / "record", **files,
    )  # fmt: skip
    if trained.returncode:
        return [trained.stderr.strip().splitlines()[-1]]
    classifier = ROOT / "checkpoints" / "classifier.safetensors"
    diagnosed = stage("diagnose", classifier=classifier, shares=folder / "shares", alarms=folder / "alarms", **files)
    diagnosed.check_returncode()
    return artifacts.read_table(folder / "alarms").to_dict("records")


if __name__ == "__main__":
    measured: dict[str, object] = dict(about("PYTHONPATH=. python bench/alarms.py"))
    for arm, (family, config, seeds) in ARMS.items():
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as folder:
                found = alarms(family, config, seed, Path(folder))
            measured.setdefault(arm, {})[f"seed {seed}"] = found
            print(arm, seed, found, file=sys.stderr)
    (ROOT / "bench" / "results" / "alarms.json").write_text(json.dumps(measured, indent=2) + "\n")
