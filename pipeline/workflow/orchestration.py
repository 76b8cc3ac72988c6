"""Connect Snakemake, which decides and runs, with DVC, which records. Only the Snakefile calls this module."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml
from snakemake.exceptions import WorkflowError

from pipeline.core import families, params

if TYPE_CHECKING:
    from snakemake.workflow import Workflow

STATE = Path(".snakemake")
RECORDS = STATE / "metadata"
LOCK = Path("dvc.lock")
PIPELINE = Path("dvc.yaml")
CHECKED = STATE / "checked-families"
GPU = STATE / "gpu"
NO_REPOSITORY = (
    "The results are complete. DVC does not record them, as this folder is no git repository; to record them, run\n"
    "  git init && git add --all && git commit --message start && dvc commit --force"
)
VISIBLE = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")  # they limit which GPUs torch sees


def share(threads: int, cores: int | None, processors: int | None) -> int:
    """Return how many of Snakemake's `cores` a job of so many threads occupies.

    With `--cores 4` on two processors, this is twice the threads. Torch's threads wait for each other by spinning, so
    two trainings of two threads each would slow each other down on two processors.
    """
    if cores is None or processors is None:
        return threads
    return max(threads, -(-threads * cores // processors))


def has_gpu(compute: params.Compute) -> bool:
    """Return whether trainings will use a GPU, by the same test as theirs.

    Asking torch takes seconds. It is asked only if something hints at a GPU, and its answer is kept.
    """
    hints = [path for name in ("nvidia[0-9]*", "kfd", "dxg") for path in Path("/dev").glob(name)]
    if compute.device == "cpu" or not hints:
        return False
    key = f"{socket.gethostname()} {[os.environ.get(name) for name in VISIBLE]} {hints}"
    known = json.loads(GPU.read_text()) if GPU.exists() else {}
    if key not in known:
        asked = subprocess.run(
            [sys.executable, "-c", "import torch; print(torch.cuda.is_available())"], capture_output=True, text=True
        )
        known = {key: asked.stdout.strip() == "True"}
        GPU.write_text(json.dumps(known))
    return known[key]


def prepare(raw: Mapping[str, Any]) -> params.Params:
    """Return the parameters of this run, after checking everything that would otherwise fail late or silently.

    Raises:
        WorkflowError: with a message that says what to do.
    """
    STATE.mkdir(exist_ok=True)
    try:
        resolved = params.resolve(raw)
        check_families(resolved)
    except params.ParamsError as error:
        raise WorkflowError(str(error)) from None
    require_records()
    make_out_folders()
    hold_lock()
    return resolved


def check_families(resolved: params.Params) -> None:
    """Check each model's settings with its family's own `Config`.

    This imports torch, which takes seconds, so a digest of the settings that passed is stored.
    """
    asked = {name: (model.family, model.overrides) for name, model in resolved.models.items()}
    files = [families.FOLDER / f"{family}.py" for family, _ in asked.values()]
    code = [file.read_bytes() for file in [families.FOLDER / "base.py", *sorted(set(files))]]
    digest = hashlib.sha256(repr(asked).encode() + b"".join(code)).hexdigest()
    if CHECKED.exists() and CHECKED.read_text() == digest:
        return
    from pipeline.models.common.loading import family_class

    for name, (family, overrides) in asked.items():
        try:
            kind = family_class(family)
        except ValueError as error:
            raise params.ParamsError(str(error)) from None
        params.check(kind.Config, overrides, f"models.{name}")
    CHECKED.write_text(digest)


def require_records() -> None:
    """Refuse results without Snakemake's records of how they were made: they would count as up to date."""
    records = [file for file in RECORDS.rglob("*") if file.is_file()]
    lock = yaml.safe_load(LOCK.read_text()) if LOCK.exists() and not records else {}
    outs = [out["path"] for stage in lock.get("stages", {}).values() for out in stage.get("outs", [])]
    if here := [path for path in outs if any(file.is_file() for file in [Path(path), *Path(path).rglob("*")])]:
        raise WorkflowError(
            f"Results are here, but not {RECORDS}, which says how they were made. Run\n"
            f"  dvc pull {RECORDS}\n"
            f"or, where nobody pushed it, delete the results and compute them again:\n"
            f"  rm -r {' '.join(here)}"
        )
    # A link shows the times of the cached file, and writing through it would damage the cache.
    if any(file.is_symlink() or file.stat().st_nlink > 1 for file in records):
        raise WorkflowError(
            "DVC has linked the results to its cache, but Snakemake needs copies. Run\n"
            "  dvc config --local cache.type reflink,copy && dvc checkout --relink"
        )


def make_out_folders() -> None:
    """Make the folders that dvc.yaml lists as outs: DVC asks for each, also for one in which this run puts nothing."""
    stages = yaml.safe_load(PIPELINE.read_text())["stages"] if PIPELINE.exists() else {}
    for out in (next(iter(out)) for stage in stages.values() for out in stage["outs"]):
        if not Path(out).suffix and out != RECORDS.as_posix():
            Path(out).mkdir(parents=True, exist_ok=True)


alive: IO[str] | None = None


def hold_lock() -> None:
    """Remove the lock that a killed run left behind.

    Every run holds a shared lock on one file while it lives, and the kernel releases it when the process ends. A run
    that obtains the lock exclusively is alone, so a Snakemake lock that still exists belongs to no live run.
    """
    global alive
    alive = open(STATE / "alive", "w")
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(STATE / "locks", ignore_errors=True)
    except BlockingIOError:
        pass  # Another run is alive; Snakemake's own lock decides.
    fcntl.flock(alive, fcntl.LOCK_SH)


def record(workflow: "Workflow") -> None:
    """Let DVC record a complete run that was started by hand, so that `dvc status` is clean.

    Nothing is recorded after a partial run, or if the command line overrides params.yaml. A run that DVC started is
    recorded by DVC itself.
    """
    asked, settings = workflow.dag_settings, workflow.config_settings
    assert asked and settings
    partial = set(asked.targets or ()) - {"all"} or asked.until or asked.omit_from
    overridden = settings.config or settings.configfiles
    if "DVC_STAGE" in os.environ or partial or overridden or workflow.touch:
        return
    if not (Path(".git").exists() and Path(".dvc").is_dir()):
        print(NO_REPOSITORY, file=sys.stderr)
        return
    done = subprocess.run([sys.executable, "-m", "dvc", "commit", "--force", "--quiet"])
    if done.returncode == 0:
        print("dvc.lock now records this run.", file=sys.stderr)
    else:
        print("This run is not recorded in dvc.lock: run `dvc repro`.", file=sys.stderr)
