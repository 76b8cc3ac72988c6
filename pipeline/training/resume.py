"""Read and write the file from which a killed training run continues."""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core import artifacts


class ResumeFile:
    """Store the state of one training run, every `every` seconds, until `delete` is called.

    The file is only used if its `key` is the same. A file that cannot be written or read does not stop the run, which
    then costs time: `say` receives the message.
    """

    def __init__(self, path: Path, key: str, say: Callable[[str], None], every: float = 20.0) -> None:
        self.path = path
        self.key = key
        self.say = say
        self.every = every
        self.written = time.monotonic()

    def due(self) -> bool:
        """Return whether it is time to write."""
        return time.monotonic() - self.written >= self.every

    def write(self, state: Mapping[str, Tensor]) -> None:
        """Replace the stored state, unless the new one contains NaN or infinite values."""
        if not all(value.isfinite().all() for value in state.values()):
            return
        try:
            artifacts.write_weights(self.path, state, {"key": self.key, "digest": digest(state)})
        except OSError as error:
            self.say(f"{error}. The training goes on, but if it is killed it will start again from {self.found()}.")
        self.written = time.monotonic()

    def read(self) -> dict[str, Tensor] | None:
        """Return the state that was last stored for this key; None if there is none or it is damaged."""
        if not self.path.exists():
            return None
        try:
            state, about = artifacts.read_weights(self.path)
        except (OSError, ValueError) as error:
            self.say(f"{error} This training starts from the beginning.")
            return None
        if about.get("key") != self.key:
            self.say(f"{self.path} is of other data, settings or code. This training starts from the beginning.")
            return None
        if about["digest"] != digest(state):
            self.say(f"{self.path} is damaged. This training starts from the beginning.")
            return None
        return state

    def found(self) -> str:
        """Name the point from which a killed run would start again."""
        return "its last resume file" if self.path.exists() else "the beginning"

    def delete(self) -> None:
        """Delete the file, if there is one."""
        self.path.unlink(missing_ok=True)


def named(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Prepend `prefix/` to each name, so that a state can become part of a larger one."""
    return {f"{prefix}/{name}": value for name, value in state.items()}


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the part of a state that `named` added, without the prefix."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in state.items() if name.startswith(f"{prefix}/")}


def digest(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 digest of all names and values."""
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def key_of(dataset: Path, settings: str) -> str:
    """Return a digest of all that a resume file depends on: data, settings, torch, the CPU's instructions and our code.

    The code is every loaded module of this package: the family, the loop and whatever they import.
    """
    found = hashlib.sha256(settings.encode())
    found.update(f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}".encode())
    found.update(dataset.read_bytes())
    package = Path(__file__).parents[1]
    loaded = {Path(file) for module in sys.modules.values() if (file := getattr(module, "__file__", None))}
    for file in sorted(file for file in loaded if package in file.parents):
        found.update(file.read_bytes())
    return found.hexdigest()
