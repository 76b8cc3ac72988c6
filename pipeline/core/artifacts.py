"""Read and write every file format of the pipeline: writing is atomic, and reading runs no code from the file."""

import contextlib
import glob
import json
import os
import re
import socket
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor

HOST = re.sub(r"\W", "-", socket.gethostname())  # in the names of temporary files


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder, which becomes `path` if the block raises no error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_parts_of_killed_writers(path)
    part = path.with_name(f".{path.name}.{HOST}.{os.getpid()}.part")
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def remove_parts_of_killed_writers(path: Path) -> None:
    """Remove temporary files of `path` whose writing process has died.

    Only files of this host are removed: in a shared folder, processes of other hosts may still be writing.
    """
    for part in path.parent.glob(f".{glob.escape(path.name)}.{HOST}.*.part"):
        try:
            os.kill(int(part.suffixes[-2].removeprefix(".")), 0)
        except ProcessLookupError:
            part.unlink(missing_ok=True)
        except PermissionError:
            continue  # The process exists and belongs to another user.


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes."""
    with atomic(path) as part:
        part.write_bytes(content)


def write_json(path: Path, value: Mapping[str, Any] | list) -> None:
    """Write indented JSON, and refuse NaN and infinite numbers."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Return the value in a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_texts(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table in which an empty text in one of these columns is "" instead of NaN."""
    table = read_table(path)
    return table.assign(**{column: table[column].astype(object).fillna("") for column in columns})


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV file with nine significant digits, from which a float32 is read back exactly."""
    with atomic(path) as part:
        table.to_csv(part, index=False, float_format="%.9g")


def write_scores(path: Path, rows: list[dict[str, Any]], model: str, seed: int) -> None:
    """Write the scores of one source and seed, one per row; columns that a score lacks are empty."""
    columns = ["model", "seed", "set", "draw", "metric", "space", "label", "value", "lower", "upper", "n", "digest"]
    table = pd.DataFrame(rows, columns=pd.Index(columns)).assign(model=model, seed=seed)
    write_table(path, table.astype({"draw": "Int64", "label": "Int64", "n": "Int64"}))


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in a CSV file."""
    return pd.read_csv(path)


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write an uncompressed .npz file: images are read many times and compress badly."""
    with atomic(path) as part, open(part, "wb") as opened:
        np.savez(opened, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return all arrays of an .npz file.

    Raises:
        ValueError: the file is damaged, or holds pickled objects.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as opened:
            return dict(opened)
    except (zipfile.BadZipFile, ValueError, EOFError) as error:
        raise ValueError(
            f"{path} should be an intact .npz of plain arrays; found: {error}. Delete it and run again."
        ) from None


def write_weights(path: Path, weights: Mapping[str, "Tensor"], about: Mapping[str, str]) -> None:
    """Write a safetensors file; `about` says what the weights are and how they were made.

    `about` is stored under a single key, because safetensors writes several keys in an order that changes between runs.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    write_bytes(path, save(plain, {"about": json.dumps(dict(about), sort_keys=True)}))


def read_weights(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Return the weights, on the CPU, and what `write_weights` was told about them.

    Raises:
        ValueError: the file is damaged, or says nothing about its weights.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as opened:
            about = (opened.metadata() or {}).get("about")
            if about is None:
                raise ValueError(
                    f"{path} should say what its weights are; found no such entry. Delete it and run again."
                )
            return {name: opened.get_tensor(name) for name in opened.keys()}, json.loads(about)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path} should be an intact safetensors file; found: {error}. Delete it and run again."
        ) from None
