"""File formats: what is damaged, and what is interrupted."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.core import artifacts


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


def test_only_what_a_dead_writer_of_this_host_left_is_removed(tmp_path: Path) -> None:
    path, dead = tmp_path / "table.json", 2**22 + 1  # no process has that number
    here, elsewhere, alive = (
        tmp_path / f".{path.name}.{host}.{process}.part"
        for host, process in ((artifacts.HOST, dead), ("another-host", dead), (artifacts.HOST, os.getppid()))
    )
    for part in (here, elsewhere, alive):
        part.write_text("half")
    artifacts.write_json(path, {"new": 1})
    assert {file for file in tmp_path.iterdir()} == {path, elsewhere, alive}
