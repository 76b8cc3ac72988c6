"""The site as one file: everything in it, every link inside it, and the same in a browser."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import html5lib
import pytest
from browser import complaints_of, violations
from playwright.sync_api import Browser, Page

from pipeline.stages import bundle

SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>{title} &amp; more</title>
<link rel="stylesheet" href="{root}static/theme.css">{head}</head>
<body><a class="skip" href="#content">Skip</a>
<header class="site"><nav><a href="{root}index.html">Home</a> <a href="{root}other.html">Other</a></nav></header>
<main id="content" class="page">{main}</main>
<footer>End</footer></body></html>
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt" viewBox="0 0 9 9"><title>A</title></svg>'
COUNTS = """"use strict";

const found = document.querySelectorAll(".it");
for (const each of found) each.textContent = `${found.length} of ${document.getElementById("here").dataset.name}`;
document.body.dataset.started = (document.body.dataset.started ?? "") + document.getElementById("here").dataset.name;
"""


def write_small(folder: Path) -> Path:
    """A site of three pages that have everything that must be rewritten, with the same ids in each."""

    def page(path: str, main: str, head: str = "") -> None:
        root = "../" * path.count("/")
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SHELL.format(title=path, root=root, head=head, main=main), encoding="utf-8")

    script = '<script src="{}static/counts.js" defer></script>'
    page("index.html", '<h1 id="here">A</h1><a href="models/x.html#here">x</a> <a href="#here">up</a> &eacute;&#233;')
    page(
        "other.html",
        '<h1 id="here" data-name="other">B</h1><p class="it"></p><p class="it"></p><label for="in">L</label>'
        '<input id="in" aria-describedby="here in"><a class="ask" href="?digit=4#here">ask</a>',
        script.format(""),
    )
    page(
        "models/x.html",
        '<h1 id="here" data-name="x">C</h1><p class="it"></p><img src="../figures/a.svg" alt="" loading="lazy">'
        '<i data-film="../figures/a.svg" data-name="figures/none.svg"></i>'
        '<a href="../figures/a.svg" download>SVG</a> <a href="../data/a.csv" download>data</a>'
        '<script type="application/json">{"a": "</b> &amp; <!"}</script>',
        script.format("../"),
    )
    page(
        "provenance.html",
        '<h1 id="here">D</h1><a class="ask" href="other.html?digit=4#in">ask</a>'
        '<ul><li><a href="data/a.csv" download>data/a.csv</a></li>'
        '<li><a href="data/big.csv" download>data/big.csv</a></li></ul>',
    )
    css = {name: (stage_file(name)).read_text("utf-8") for name in ("single.css", "single.js")}
    for path, text in {**css, "counts.js": COUNTS, "theme.css": "body { color: #123456; }\n"}.items():
        (folder / "static").mkdir(exist_ok=True)
        (folder / "static" / path).write_text(text)
    (folder / "figures").mkdir()
    (folder / "figures" / "a.svg").write_text(SVG)
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text("a,b\n1,2\n")
    (folder / "data" / "big.csv").write_text("a,b\n" + "1,2\n" * 100_000)
    return folder


def stage_file(name: str) -> Path:
    return Path(__file__).parents[1] / "site_templates" / "static" / name


def parsed(html: str) -> Iterator:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html).iter()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    bundle.main(site_folder=write_small(folder / "site"), single_file=folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def report(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("single") / "report.html"
    bundle.main(site_folder=site, single_file=file)
    return file


# What is in the file.


def test_every_page_is_in_it_with_all_that_it_says(site: Path, report: Path) -> None:
    sheets = {each.get("id"): each for each in parsed(report.read_text("utf-8")) if each.get("class") == "sheet"}
    pages = {path.relative_to(site).as_posix(): path.read_text("utf-8") for path in site.rglob("*.html")}
    assert sheets.keys() == {path.removesuffix(".html").replace("/", "-") for path in pages}
    assert next(iter(sheets)) == "index"
    for path, page in pages.items():
        (main,) = (each for each in parsed(page) if each.tag == "main")
        kept = [each for each in words(main) if each not in ("SVG", "PNG")]
        assert without_note(words(sheets[path.removesuffix(".html").replace("/", "-")])) == kept


def without_note(found: list[str]) -> list[str]:
    """Without what is said of tables that are too large."""
    return " ".join(found).replace(" (in the folder only)", "").split()


def words(element: object) -> list[str]:
    return "".join(element.itertext()).split()  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("which", ["small", "report"])
def test_nothing_leads_outside_and_every_link_leads_somewhere(which: str, request: pytest.FixtureRequest) -> None:
    elements = list(parsed(request.getfixturevalue(which).read_text("utf-8")))
    ids = [each.get("id") for each in elements if each.get("id")]
    assert len(set(ids)) == len(ids)
    for each in elements:
        for key in ("href", "src", "srcset", "poster"):
            address = each.get(key, "data:")
            assert address.startswith(("data:", "#", "?digit=4#")), address
            if "#" in address and not address.startswith("data:"):
                assert unquote(address.partition("#")[2]) in ids, address
        for key in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
            assert set(each.get(key, "").split()) <= set(ids)
        assert each.tag != "link" or each.get("rel") == "icon"


def test_small_parts_are_what_they_should_become(small: Path) -> None:
    html = small.read_text("utf-8")
    found = {each.get("id"): each for each in parsed(html) if each.get("id")}
    assert found["other--in"].get("aria-describedby") == "other--here other--in"
    asked = [each.get("href") for each in parsed(html) if each.get("class") == "ask"]
    assert asked == ["?digit=4#other--here", "?digit=4#other--in"]
    picture = f"data:image/svg+xml;base64,{base64.b64encode(SVG.encode()).decode()}"
    assert [each.get("src") for each in parsed(html) if each.tag == "img"] == [picture]
    assert [(each.get("data-film"), each.get("data-name")) for each in parsed(html) if each.get("data-film")] == [
        (picture, "figures/none.svg")
    ]
    assert '{"a": "</b> &amp; <!"}' in html and "&eacute;&#233;" in html and "loading" not in html
    assert found["models-x"].get("aria-label") == "models/x.html & more"


def test_a_table_is_in_it_once_and_a_large_one_is_said_to_be_elsewhere(small: Path) -> None:
    elements = list(parsed(small.read_text("utf-8")))
    table = base64.b64encode(b"a,b\n1,2\n").decode()
    links = [each for each in elements if each.get("href", "").startswith("data:text/csv")]
    assert [(each.get("href"), each.get("download"), each.get("id")) for each in links] == [
        (f"data:text/csv;base64,{table}", "a.csv", "provenance--data/a.csv")
    ]
    assert [each.text for each in elements if each.get("href") == "#provenance--data/a.csv"] == ["data"]
    (missing,) = (each for each in elements if each.get("id") == "provenance--data/big.csv")
    assert (missing.tag, missing.text) == ("span", "data/big.csv (in the folder only)")
    assert not any(each.text == "SVG" for each in elements)


def test_the_same_site_gives_the_same_bytes(site: Path, report: Path, tmp_path: Path) -> None:
    bundle.main(site_folder=site, single_file=tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == report.read_bytes()


def test_what_cannot_be_made_gets_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match=r"should be a site; found no index\.html in it"):
        bundle.main(site_folder=tmp_path / "nothing", single_file=tmp_path / "report.html")
    folder = write_small(tmp_path / "site")
    with pytest.raises(ValueError, match="should lie outside of the site"):
        bundle.main(site_folder=folder, single_file=folder / "report.html")
    monkeypatch.setattr(bundle, "LARGE", 5_000)
    bundle.main(site_folder=folder, single_file=tmp_path / "report.html")
    assert re.search(r"has 0\.0 MB, and a mailbox may refuse more .*as a zip file", capsys.readouterr().err)
    (folder / "static" / "counts.js").write_text('"use strict"; const text = "</script>";')
    with pytest.raises(ValueError, match=r"counts\.js should be able to stand inside a <script>.*found '</script'"):
        bundle.main(site_folder=folder, single_file=tmp_path / "report.html")
    (folder / "models" / "x.html").write_text("<!doctype html><title>no main part</title>")
    with pytest.raises(ValueError, match=r"x\.html should be a page with a <main> element"):
        bundle.main(site_folder=folder, single_file=tmp_path / "report.html")


# In a browser.


def watched(page: Page) -> list[str]:
    """What the page complains of, or asks for beside itself."""
    complaints = complaints_of(page)
    page.on(
        "request", lambda request: complaints.extend([request.url] if "report.html" not in request.url[:300] else [])
    )
    return complaints


def shown(page: Page) -> list[str]:
    return page.locator("article.sheet:visible").evaluate_all("found => found.map(sheet => sheet.id)")


def test_every_page_opens_alone_and_is_accessible(browser: Browser, report: Path) -> None:
    """In the dark and on a phone; in light the pages are those of the site, which are tried there."""
    with browser.new_context(color_scheme="dark", viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        complaints = watched(page)
        page.goto(report.as_uri())
        sheets = page.locator("article.sheet").evaluate_all("found => found.map(sheet => sheet.id)")
        assert len(sheets) > 9 and shown(page) == ["index"]
        for name in sheets:
            link = page.locator(f"header.site nav a[href='#{name}']")
            link.click()
            assert shown(page) == [name] and page.evaluate("scrollY") == 0
            assert page.locator("nav a[aria-current=page]").evaluate_all("found => found.map(a => a.hash)") == [
                f"#{name}"
            ]
            assert page.title() == page.locator(f"#{name}").get_attribute("data-title")
            page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            complaints += [f"{name}: {found}" for found in violations(page)]
    assert not [each for each in complaints if not each.startswith("data:")]


def test_a_link_into_another_page_shows_that_place_and_back_goes_back(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 700})
    page.goto(f"{report.as_uri()}#index")
    page.locator("#index a[href^='#methods--']:visible").first.click()
    place = page.evaluate("document.querySelector(':target').getBoundingClientRect().top")
    assert shown(page) == ["methods"] and -1 <= place < 700 and page.evaluate("scrollY") > 0
    page.go_back()
    assert shown(page) == ["index"]
    page.close()


def test_it_is_whole_without_scripts_and_in_print(browser: Browser, report: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        everything = page.locator("article.sheet").count()
        for name in ("scores", "models-gan"):
            page.locator(f"header.site nav a[href='#{name}']").click()
            assert page.locator("article.sheet:visible").count() == 1 and page.locator(f"#{name}").is_visible()
            weight = "getComputedStyle(document.querySelector(`header.site nav a[href='${location.hash}']`)).fontWeight"
            assert page.evaluate(weight) == "600"
            assert page.locator("a.skip").evaluate_all(
                "links => links.filter(link => getComputedStyle(link).display != 'none').map(link => link.hash)"
            ) == [f"#{name}"]
        page.emulate_media(media="print")
        assert page.locator("article.sheet:visible").count() == everything


def test_two_models_are_chosen_and_the_choice_survives(browser: Browser, report: Path) -> None:
    page = browser.new_page()
    complaints = watched(page)
    page.goto(f"{report.as_uri()}#compare")
    page.locator("#compare select[name=second]").select_option("gan_saturating")
    assert re.search(r"\?first=gan&second=gan_saturating#compare$", page.url)
    assert shown(page) == ["compare"]

    def heads() -> list[str]:
        return page.locator("#compare .sideways thead th[data-model]:visible").all_inner_texts()

    assert heads() == ["gan", "gan_saturating"]
    page.reload()
    assert shown(page) == ["compare"] and heads() == ["gan", "gan_saturating"]
    assert page.locator("article:not(#compare) [data-model][hidden]").count() == 0
    assert not [each for each in complaints if not each.startswith("data:")]
    page.close()


def test_a_script_sees_its_own_page_when_that_is_first_opened(browser: Browser, small: Path) -> None:
    page = browser.new_page()
    complaints = watched(page)
    page.goto(small.as_uri())
    assert page.evaluate("document.body.dataset.started") is None
    page.get_by_role("link", name="Other").click()
    assert page.locator("#other .it").all_inner_texts() == ["2 of other"] * 2
    page.get_by_role("link", name="Home").click()
    page.get_by_role("link", name="x").click()
    assert shown(page) == ["models-x"] and page.locator("#models-x .it").all_inner_texts() == ["1 of x"]
    page.get_by_role("link", name="Other").click()
    assert page.evaluate("document.body.dataset.started") == "otherx"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(18, 52, 86)"
    assert not [each for each in complaints if not each.startswith("data:")]
    page.close()


def test_a_script_that_is_not_the_reports_own_does_not_run(browser: Browser, small: Path, tmp_path: Path) -> None:
    foreign = small.read_text("utf-8").replace("<footer>", "<script>document.body.dataset.foreign = 1</script><footer>")
    (tmp_path / "report.html").write_text(foreign)
    page = browser.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert json.loads(page.evaluate("JSON.stringify(document.body.dataset.foreign ?? null)")) is None
    page.close()
