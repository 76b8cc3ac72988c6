"""Finds the browser that the site is tested in; as a command, installs one if there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

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
