"""Takes pictures of the site as it is: those that the README shows, and whole pages to look at (`make screenshots`)."""

from browser import QUIET, find
from playwright.sync_api import sync_playwright
from workspace import ROOT

README = {"report.png": "index.html", "labels.png": "labels.html"}  # first screens, in docs/
WHOLE = ROOT / "screenshots"

if __name__ == "__main__":
    site = ROOT / "site"
    chromium = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport={"width": 1280, "height": 1180}, color_scheme=scheme)
            for page in sorted(site.rglob("*.html")):
                tab.goto(page.as_uri(), wait_until="networkidle")
                name = page.relative_to(site).with_suffix("").as_posix().replace("/", "-")
                tab.screenshot(path=WHOLE / f"{name}-{scheme}.png", full_page=True)
                for picture, shown in README.items():
                    if scheme == "light" and page == site / shown:
                        tab.screenshot(path=ROOT / "docs" / picture)
    print(f"Whole pages: {WHOLE}")
