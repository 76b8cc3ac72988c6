"""What several test files share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import QUIET, find
from playwright.sync_api import Browser, sync_playwright

from pipeline import sources
from pipeline.compute import choose
from pipeline.dataset import Dataset
from pipeline.params import Compute

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    """The real MNIST, fetched as the pipeline does it, and kept where the pipeline keeps it."""
    return sources.load("mnist", ROOT / "data" / "raw" / "mnist", lambda line: print(line, file=sys.stderr))


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
    """The longest file first, so that two workers end together."""
    items.sort(key=lambda item: item.path.name != "test_two_tools.py")
