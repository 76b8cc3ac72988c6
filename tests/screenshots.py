"""Takes pictures of the site as it is: those that the README shows, and whole pages to look at (`make screenshots`)."""

from browser import QUIET, find, open_whole
from playwright.sync_api import sync_playwright
from workspace import ROOT

SITE = ROOT / "site"
README = {"report.png": ("index.html", 1400), "labels.png": ("labels.html#gallery", 1000)}  # in docs/; pixels high
WHOLE = ROOT / "screenshots"


if __name__ == "__main__":
    chromium = find()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        for scheme in ("light", "dark"):
            tab = browser.new_page(viewport={"width": 1280, "height": 1180}, color_scheme=scheme)
            for page in sorted(file.relative_to(SITE).as_posix() for file in SITE.rglob("*.html")):
                open_whole(tab, f"{SITE.as_uri()}/{page}")
                name = page.removesuffix(".html").replace("/", "-")
                tab.screenshot(path=WHOLE / f"{name}-{scheme}.png", full_page=True)
        for picture, (page, height) in README.items():
            tab = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme="light")
            open_whole(tab, f"{SITE.as_uri()}/{page}")
            tab.screenshot(path=ROOT / "docs" / picture)
    print(f"Whole pages: {WHOLE}")
