"""Takes the pictures that the README shows, of the site as it is: `make screenshots`."""

from browser import QUIET, find
from playwright.sync_api import sync_playwright
from workspace import ROOT

SHOWN = {"report.png": "index.html"}

if __name__ == "__main__":
    (ROOT / "docs").mkdir(exist_ok=True)
    chromium = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for picture, page in SHOWN.items():
            tab = browser.new_page(viewport={"width": 1280, "height": 1180})
            tab.goto((ROOT / "site" / page).as_uri(), wait_until="networkidle")
            tab.screenshot(path=ROOT / "docs" / picture)
