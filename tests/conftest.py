"""What several test files share."""

import functools
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import site_results
from browser import QUIET, find
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright
from preloaded import server
from threadpoolctl import threadpool_limits
from workspace import ENVIRONMENT, ONE_THREAD, SNAKEMAKE, Workspace

from pipeline.core.compute import choose
from pipeline.core.params import Compute
from pipeline.data import sources
from pipeline.data.dataset import Dataset
from pipeline.report import site as report
from pipeline.report.inputs import Results
from pipeline.report.site import render

ROOT = Path(__file__).parents[1]
LONGEST = [  # those that need a whole run of the toy workflow come one after the other: one process makes it for all
    *("test_two_tools", "test_figures", "test_resume", "test_rebuilds", "test_extending", "test_add_a_model"),
    *("test_site", "test_single", "test_models", "test_alarms", "test_labels_page"),
]


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real MNIST, fetched as the pipeline does it, and kept where the pipeline keeps it."""
    return sources.load("mnist", ROOT / "data" / "raw" / "mnist", lambda line: print(line, file=sys.stderr))


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stages in workspaces start without importing torch anew, on Linux."""
    if not hasattr(os, "pidfd_open"):
        yield
        return
    before = ENVIRONMENT["PATH"]
    with server(tmp_path_factory.mktemp("preloaded")) as folder:
        ENVIRONMENT["PATH"] = f"{folder}{os.pathsep}{before}"
        yield
    ENVIRONMENT["PATH"] = before


@pytest.fixture(scope="session")
def finished(preloaded: None, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
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


@pytest.fixture(scope="module")
def planning(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """One clone for all that is only planned or refused. Who edits it puts it back."""
    return finished.cloned(tmp_path_factory.mktemp("planning") / "clone")


@pytest.fixture
def clone(finished: Workspace, tmp_path: Path) -> Workspace:
    return finished.cloned(tmp_path / "clone")


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    """Compiling the templates is half of the work of making the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "prepare", functools.cache(report.prepare))
        yield


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a small run. Nobody changes them."""
    return site_results.build(tmp_path_factory.mktemp("run"), site_results.params())


@pytest.fixture(scope="session")
def results(run: Path) -> Results:
    """These results, loaded for the report."""
    return site_results.loaded(run, site_results.params())


@pytest.fixture(scope="session")
def pages(results: Results) -> dict[str, str]:
    """The pages that say them: path from the site's root, and HTML."""
    return render(results, site_results.TEMPLATES)


@pytest.fixture(scope="session")
def site(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of these results, as the stage writes it. Nobody changes it."""
    return site_results.rendered(run, site_results.params(), tmp_path_factory.mktemp("site"))


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
    threadpool_limits(1)  # of the libraries that are loaded already
    os.environ |= ONE_THREAD


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--walks", type=int, default=1, help="random walks over the two tools")
    parser.addoption("--steps", type=int, default=1, help="steps of each walk")
    parser.addoption("--kills", type=int, default=3, help="of the training that is killed at random moments")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that two workers end together."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
