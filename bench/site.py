"""Weighs the site as it is: `python bench/site.py`, after `make`.

Writes bench/results/site.json: the bytes of all files, and those that a browser loads of each page before anyone
scrolls. Pictures below the fold are lazy, and Chromium decides how far ahead it looks.
"""

import json
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from end_to_end import ROOT, about
from playwright.sync_api import Browser, sync_playwright

sys.path.append(str(ROOT / "tests"))
from browser import QUIET, find

SITE = ROOT / "site"


def first_view(browser: Browser, page: Path) -> int:
    """Bytes of all files that the page has asked for when it is loaded, its own included; each file once."""
    asked: set[str] = set()
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        tab = context.new_page()
        tab.on("request", lambda request: asked.add(urlsplit(request.url).path))
        tab.goto(page.as_uri(), wait_until="networkidle")
    return sum(Path(unquote(path)).stat().st_size for path in asked)


if __name__ == "__main__":
    made = about("python bench/site.py")
    files = [path for path in SITE.rglob("*") if path.is_file()]
    chromium = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        views = {
            page.relative_to(SITE).as_posix(): first_view(browser, page)
            for page in sorted(path for path in files if path.suffix == ".html")
        }
    made |= {"preset": yaml.safe_load((ROOT / "params.yaml").read_text())["preset"]}
    made |= {"bytes": {"whole site": sum(path.stat().st_size for path in files), "first view": views}}
    (ROOT / "bench" / "results" / "site.json").write_text(json.dumps(made, indent=2) + "\n")
    print(json.dumps(made, indent=2))
