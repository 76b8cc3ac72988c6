"""The browser that the site is tested in, and what tests ask of a page; as a command, installs one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find() -> str | None:
    """A Chromium: the one that CHROMIUM names, one on the PATH, or playwright's own."""
    candidates = [os.environ.get("CHROMIUM"), *(shutil.which(name) for name in NAMES)]
    with sync_playwright() as playwright:
        candidates.append(playwright.chromium.executable_path)
    return next((path for path in candidates if path and Path(path).exists()), None)


def open_whole(page: Page, address: str) -> None:
    """Open a page with all its pictures, those below the fold included."""
    page.goto(address)
    page.evaluate("Promise.all([...document.images].map(image => { image.loading = 'eager'; return image.decode(); }))")


def complaints_of(page: Page) -> list[str]:
    """What the page will have complained of: errors, and whatever it wrote to the console."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    return complaints


def violations(page: Page) -> list[str]:
    """The rules of accessibility that the page breaks, each with the first place."""
    found = Axe().run(page, options={"preload": False}).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found]


def install() -> None:
    """Try playwright's download, then the system's package manager."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        attempts += [["sh", "-c", "apt-get update && apt-get install --yes --no-install-recommends chromium"]]
    for attempt in attempts:
        print("No browser yet:", " ".join(attempt), file=sys.stderr)
        if subprocess.run(attempt, stdout=subprocess.DEVNULL).returncode == 0 and find():
            return
    sys.exit("The site is tested in a real browser: install Chromium, or set CHROMIUM to the path of one.")


if __name__ == "__main__":
    if find() is None:
        install()
    print("Browser:", find())
