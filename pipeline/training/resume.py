"""The file from which a killed training goes on."""

import hashlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.core import artifacts


class ResumeFile:
    """Where one training stands, written every `every` seconds and deleted when it is done.

    It only counts for the same `key`. Neither a file that can't be written nor one that can't be read stops a
    training: `say` is told, and the price is time.
    """

    def __init__(self, path: Path, key: str, say: Callable[[str], None], every: float = 20.0) -> None:
        self.path = path
        self.key = key
        self.say = say
        self.every = every
        self.written = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self.written >= self.every

    def write(self, state: Mapping[str, Tensor]) -> None:
        """Replace what was written before; a state with a value that is no number does not."""
        if not all(value.isfinite().all() for value in state.values()):
            return
        try:
            artifacts.write_weights(self.path, state, {"key": self.key, "digest": digest(state)})
        except OSError as error:
            self.say(f"{error}. The training goes on, but if it is killed it will start again from {self.found()}.")
        self.written = time.monotonic()

    def read(self) -> dict[str, Tensor] | None:
        """What was last written for this key, if anything."""
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
        return "its last resume file" if self.path.exists() else "the beginning"

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


def named(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state as a part of a larger one: each name gets `prefix/` before it."""
    return {f"{prefix}/{name}": value for name, value in state.items()}


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The part that `named` put there."""
    return {name.removeprefix(f"{prefix}/"): value for name, value in state.items() if name.startswith(f"{prefix}/")}


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of all names and values."""
    found = hashlib.sha256()
    for name, value in sorted(state.items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def key_of(dataset: Path, settings: str) -> str:
    """What a resume file must agree on: the data, the settings, torch, the CPU's instructions, and our code.

    The code is every module of this package that is loaded: the family, the loop and what they use.
    """
    found = hashlib.sha256(settings.encode())
    found.update(f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}".encode())
    found.update(dataset.read_bytes())
    package = Path(__file__).parents[1]
    loaded = {Path(file) for module in sys.modules.values() if (file := getattr(module, "__file__", None))}
    for file in sorted(file for file in loaded if package in file.parents):
        found.update(file.read_bytes())
    return found.hexdigest()
