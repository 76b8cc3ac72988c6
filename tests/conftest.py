"""What several test files share."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import QUIET, find
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright
from workspace import SNAKEMAKE, Workspace

from pipeline.core.compute import choose
from pipeline.core.params import Compute
from pipeline.data import sources
from pipeline.data.dataset import Dataset

ROOT = Path(__file__).parents[1]
LONGEST = [
    "test_two_tools",
    "test_rebuilds",
    "test_site",
    "test_classifier",
    "test_single",
    "test_models",
    "test_resume",
]


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real MNIST, fetched as the pipeline does it, and kept where the pipeline keeps it."""
    return sources.load("mnist", ROOT / "data" / "raw" / "mnist", lambda line: print(line, file=sys.stderr))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Everything built once by `snakemake`, recorded, committed and pushed to a folder.

    The first test process that asks for it builds it for all. It is not changed: see `clone`.
    """
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "finished"
    with FileLock(f"{folder}.lock"):
        if (folder / "pushed").exists():
            return Workspace(folder / "project")
        shutil.rmtree(folder, ignore_errors=True)
        made = Workspace.create(folder / "project")
        made.run(*SNAKEMAKE)
        made.run("dvc", "remote", "add", "--default", "shelf", str(folder / "remote"))
        made.run("git", "add", "--all")
        made.run("git", "commit", "--quiet", "--message", "built")
        made.run("dvc", "push", "--quiet")
        (folder / "pushed").touch()
    return made


@pytest.fixture
def clone(finished: Workspace, tmp_path: Path) -> Workspace:
    return finished.cloned(tmp_path / "clone")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    path = find()
    if path is None:
        pytest.fail(
            "The site is tested in a real browser; expected a Chromium, found none. "
            "Run `python tests/browser.py`, which installs one, or set CHROMIUM to the path of one."
        )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


def pytest_configure() -> None:
    """One thread for each test process, and no slow denormal numbers, as in the pipeline."""
    choose(Compute(device="cpu", precision="float32", threads=1))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--walks", type=int, default=1, help="random walks over the two tools")
    parser.addoption("--steps", type=int, default=1, help="steps of each walk")
    parser.addoption("--kills", type=int, default=20, help="of the training that is killed at random moments")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that two workers end together."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
