"""The page of the predicted labels: what it says, and its gallery in a browser."""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path

import html5lib
import numpy as np
import pandas as pd
import pytest
import site_results
from browser import complaints_of, violations
from playwright.sync_api import Browser, Locator, Page
from site_results import TEMPLATES, loaded, rendered
from test_site import MARKUP, rows_of, section, text_of

from pipeline.analysis import paper_claims
from pipeline.core import artifacts
from pipeline.core.names import TEST
from pipeline.figures import gallery
from pipeline.report.formatting import number
from pipeline.report.inputs import Results
from pipeline.report.pages.labels import ABOUT, KINDS, Torn, torn
from pipeline.report.site import render

MODELS = {"gan": {}, "vae": {}, "cvae": {}}
SOURCES = (*MODELS, TEST)
NAMES = ("zero", MARKUP, *site_results.DIGITS[2:])  # of classes
IMAGES = 300  # of each source


def build(folder: Path) -> Path:
    """A run with real galleries, whose images say by their grey which they are."""
    site_results.build(folder, site_results.params(models=MODELS), NAMES)
    greys = (np.arange(IMAGES) % 200 + 50).astype(np.uint8)
    images = np.tile(greys[:, None, None], (1, 28, 28))
    for source in SOURCES:
        tiles = gallery.tiles(artifacts.read_table(folder / "labels" / source / "0.csv"))
        artifacts.write_table(folder / "figures" / source / "gallery.csv", tiles)
        sheet = gallery.sheet(images, tiles["index"].to_numpy())
        artifacts.write_bytes(folder / "figures" / source / "gallery.png", sheet)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return loaded(folder, site_results.params(models=MODELS))


@pytest.fixture(scope="module")
def pages(results: Results) -> dict[str, str]:
    return render(results, TEMPLATES)


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(folder, site_results.params(models=MODELS), tmp_path_factory.mktemp("site"))


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """The page in a browser that was left no complaint."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        complaints = complaints_of(opened)
        opened.goto(address(site))
        yield opened
    assert not complaints


def address(site: Path, query: str = "") -> str:
    return (site / "labels.html").resolve().as_uri() + query


def shown(page: Page) -> int:
    return page.locator(".tiles [role=option]:visible").count()


def said(page: Page) -> str:
    return page.locator(".gallery [role=status]").inner_text()


# What it says.


def test_what_is_seen_is_what_the_summary_says(results: Results, pages: dict[str, str]) -> None:
    rows = {row[0]: row[1:] for row in rows_of(pages["labels.html"], "study")[1:]}
    summary = results.summary.query("set == 'images'").set_index(["model", "metric"])["value"]
    assert list(rows) == [*MODELS, "real test images", "uniform noise"]
    for name, title in {"gan": "gan", TEST: "real test images", "noise": "uniform noise"}.items():
        unsure, unlike = summary[name, "conformal_ambiguous"], summary[name, "conformal_unlike"]
        expected = [summary[name, "confidence"], 1 - unsure - unlike, unsure, unlike, summary[name, "label_fidelity"]]
        for cell, value in zip(rows[title], expected, strict=True):
            assert cell.startswith(number(value, "%").replace("\u202f", " "))


def test_mostly_clear_models_are_named(results: Results, pages: dict[str, str]) -> None:
    text = section(pages["labels.html"], "study")
    assert "2 of 3 models draw mostly clear images: gan, vae." in text
    is_vae = (results.summary["model"] == "vae") & (results.summary["metric"] == "conformal_ambiguous")
    unsure = results.summary.assign(value=results.summary["value"].mask(is_vae, 0.6))
    text = section(render(dataclasses.replace(results, summary=unsure), TEMPLATES)["labels.html"], "study")
    assert "1 of 3 models draw mostly clear images: gan." in text


def test_noise_is_said_to_be_called_clear(pages: dict[str, str]) -> None:
    text = section(pages["labels.html"], "study")
    rows = {row[0]: row for row in rows_of(pages["labels.html"], "study")[1:]}
    assert f"of images of pure noise it calls {rows['uniform noise'][2]} clear" in text
    assert "no kind says that an image shows none of the classes" in text and "without a guarantee" in text


def test_the_claims_about_labels_are_quoted_with_their_verdicts(results: Results) -> None:
    listed = [
        ("recognised", "Most digits are predicted.", "supported"),
        ("no_help", "A classifier is no help.", "refuted"),
        ("harder", "A GAN is harder to tune.", "not decided by this run"),
    ]
    rows = [results.claims[:1].assign(name=name, claim=claim, verdict=verdict) for name, claim, verdict in listed]
    table = pd.concat(rows, ignore_index=True)
    text = section(render(dataclasses.replace(results, claims=table), TEMPLATES)["labels.html"], "study")
    assert "The paper says: Most digits are predicted. supported." in text
    assert "Does it tell a GAN from a VAE? The paper says: A classifier is no help. refuted." in text
    assert "harder to tune" not in text
    assert {name for names in ABOUT.values() for name in names} <= {
        claim.finding.__name__ for claim in paper_claims.CLAIMS
    }


def test_the_table_of_the_galleries_counts_their_tiles(results: Results, pages: dict[str, str]) -> None:
    rows = rows_of(pages["labels.html"], "gallery")
    assert rows[1] == [*NAMES, *KINDS.values()]
    for row, (name, table) in zip(rows[2:], results.galleries.items(), strict=True):
        labels = [int((table["label"] == label).sum()) for label in range(len(NAMES))]
        kinds = [int((table["kind"] == kind).sum()) for kind in KINDS]
        assert row[0] == ("real test images" if name == TEST else name)
        assert row[1:-1] == [str(count) for count in (*labels, *kinds)]
        assert sum(labels) == sum(kinds) == IMAGES
        assert row[-1].endswith(f"of {kinds[1]} ambiguous")


def test_torn_are_two_labels_in_either_order_and_more_than_once() -> None:
    def found(*rows: tuple[str, int, int]) -> Torn | None:
        return torn(pd.DataFrame(rows, columns=pd.Index(["kind", "label", "second"])), "abcd")

    assert found(("ambiguous", 3, 1), ("ambiguous", 1, 3), ("ambiguous", 0, 1)) == Torn("b", "d", 2)
    assert found(("clear", 3, 1), ("clear", 1, 3), ("ambiguous", 0, 1)) is None
    assert found(("ambiguous", 3, 2), ("ambiguous", 2, 3), ("ambiguous", 1, 0), ("ambiguous", 0, 1)) == Torn(
        "a", "b", 2
    )
    assert found(("clear", 0, 1)) is None


def test_the_classifier_is_told_with_its_members_and_the_coverage_of_its_sets(
    results: Results, pages: dict[str, str]
) -> None:
    page = pages["labels.html"]
    rows = {row[0]: row[1:] for row in rows_of(page, "classifier")}
    assert rows["Accuracy of the ensemble"] == ["99.2 %99.0 % to 99.4 %"]
    assert [rows[f"Accuracy of network {i} alone"] for i in (1, 2)] == [["99.1 %"], ["99.2 %"]]
    assert rows["strict"] == ["95.0 %", "95.1 %", "4.8 %", "0.0 %"]
    assert rows["loose"] == ["99.8 %", "99.8 %", "0.0 %", "2.5 %"]
    assert "2 networks that differ in their seeds only, whose probabilities are averaged" in section(page, "classifier")
    one = {**results.classifier, "members": 1, "member_accuracy": [0.99]}
    text = text_of(render(dataclasses.replace(results, classifier=one), TEMPLATES)["labels.html"])
    assert "It is a single network." in text and "network 1 alone" not in text and "ensemble" not in text


def test_only_conditional_models_have_that_picture(results: Results, folder: Path, pages: dict[str, str]) -> None:
    assert (
        'src="figures/cvae/requested.svg"' in pages["labels.html"]
        and 'href="data/figures/cvae/requested.csv"' in pages["labels.html"]
    )
    assert 'src="../figures/cvae/requested.svg"' in pages["models/cvae.html"]
    assert "requested.svg" not in pages["models/vae.html"] and "figures/vae/requested" not in pages["labels.html"]
    plain = site_results.params(models={"gan": {}, "vae": {}})
    without = render(loaded(folder, plain), TEMPLATES)["labels.html"]
    assert "asked for" not in text_of(without)


def test_hostile_names_of_classes_stay_text(results: Results, pages: dict[str, str]) -> None:
    page = pages["labels.html"]
    assert MARKUP not in page
    (script,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert "<" not in script and json.loads(script)["classes"] == list(NAMES)
    broken = {**results.classifier, "class_names": ["</script><b>", *NAMES[1:]]}
    page = render(dataclasses.replace(results, classifier=broken), TEMPLATES)["labels.html"]
    assert not html5lib.parse(page, namespaceHTMLElements=False).findall(".//b")


# In a browser.


def test_each_filter_leaves_as_many_images_as_the_table_has(page: Page, results: Results) -> None:
    for source in SOURCES:
        table = results.galleries[source]
        title = "real test images" if source == TEST else source
        percent = 100 * table["confidence"]
        whole = round(percent[(percent.round(2) % 1 == 0) & (percent < 100)].iloc[0])  # an image lies on both bounds
        page.select_option("select[name=source]", source)
        for label in ("", "7"):
            for kind in ("", *KINDS):
                for lowest, highest in ((57, 90), (whole, whole)):
                    page.select_option("select[name=label]", label)
                    page.select_option("select[name=kind]", kind)
                    page.locator("input[name=highest]").fill(str(highest))
                    page.locator("input[name=lowest]").fill(str(lowest))
                    fits = table["confidence"].between(lowest / 100, highest / 100)
                    fits &= (table["label"] == int(label)) if label else True
                    fits &= (table["kind"] == kind) if kind else True
                    assert said(page) == f"{fits.sum()} of {IMAGES} images of {title}."
                    assert shown(page) == fits.sum()
                    page.locator("input[name=lowest]").fill("0")


def test_a_tile_shows_its_image_and_what_is_made_of_it(page: Page, results: Results) -> None:
    page.select_option("select[name=source]", "vae")
    tiles = results.galleries["vae"].to_dict("records")
    page.evaluate("Promise.all([...document.querySelectorAll('.tiles img')].map((image) => image.decode()))")
    for place in (0, 1, 33, IMAGES - 1):
        row = tiles[place]
        tile = page.locator(".tiles [role=option]").nth(place)
        tile.scroll_into_view_if_needed()
        tile.hover()
        percent = round(100 * row["confidence"])
        words = page.locator(".told").inner_text()
        likely = "> 99" if percent == 100 else "< 1" if percent == 0 else str(percent)
        assert words.startswith(f"{NAMES[row['label']]} ({likely} %), else {NAMES[row['second']]} (")
        assert words.endswith(f"; {KINDS[row['kind']]}; number {row['index'] + 1} of its set.")
        grey = row["index"] % 200 + 50
        assert colours(page, middle(page, tile)) == pytest.approx([grey, grey], abs=6)


def middle(page: Page, tile: Locator) -> bytes:
    """A screenshot of a tile's image but for its edge, which may lie between two pixels of the screen."""
    box = tile.locator("img").bounding_box()
    assert box and (round(box["width"]), round(box["height"])) == (56, 56)
    return page.screenshot(clip={"x": box["x"] + 2, "y": box["y"] + 2, "width": 52, "height": 52})


def colours(page: Page, picture: bytes) -> list[int]:
    """The darkest and the brightest red of a screenshot."""
    return page.evaluate(
        """async (bytes) => {
            const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], {type: "image/png"}));
            const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
            context.drawImage(bitmap, 0, 0);
            const reds = context.getImageData(0, 0, bitmap.width, bitmap.height).data.filter((_, i) => i % 4 === 0);
            return [Math.min(...reds), Math.max(...reds)];
        }""",
        list(picture),
    )


def test_every_control_works_by_keyboard(page: Page, results: Results) -> None:
    table = results.galleries["gan"]
    page.focus("select[name=source]")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # the first label
    assert said(page) == f"{(table['label'] == 0).sum()} of {IMAGES} images of gan."
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # clear
    assert said(page) == f"{(table['kind'] == 'clear').sum()} of {IMAGES} images of gan."
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.locator("input[name=lowest]").get_attribute("aria-valuetext") == "3 %"
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")  # the highest is 0: none fits
    assert said(page) == f"0 of {IMAGES} images of gan." and "No image fits." in page.locator(".told").inner_text()
    page.keyboard.press("End")

    page.keyboard.press("Tab")  # into the tiles, of which one is in the order of tabs
    told = page.locator(".told")

    def at(place: int) -> bool:
        return told.inner_text().endswith(f"number {table['index'].to_list()[place] + 1} of its set.")

    tops = [round(box["y"]) for box in (tile.bounding_box() for tile in page.get_by_role("option").all()[:60]) if box]
    across = tops.count(tops[0])
    assert at(0) and across > 10
    for key, place in {"ArrowRight": 1, "ArrowDown": 1 + across, "ArrowLeft": across, "ArrowUp": 0}.items():
        page.keyboard.press(key)
        assert at(place), key
    page.keyboard.press("End")
    assert at(IMAGES - 1)
    page.keyboard.press("ArrowRight")  # there is none
    assert at(IMAGES - 1)
    page.keyboard.press("Home")
    assert at(0) and page.locator(".tiles [tabindex='0']").count() == 1


def test_lowest_and_highest_push_each_other(page: Page) -> None:
    lowest, highest = page.locator("input[name=lowest]"), page.locator("input[name=highest]")
    highest.fill("40")
    lowest.fill("70")
    assert (lowest.input_value(), highest.input_value()) == ("70", "70")
    highest.fill("20")
    assert (lowest.input_value(), highest.input_value()) == ("20", "20")
    assert page.locator(".reading").all_inner_texts() == ["20 %", "20 %"]


def test_the_choice_stands_in_the_address(page: Page, site: Path) -> None:
    page.select_option("select[name=source]", TEST)
    page.select_option("select[name=label]", "3")
    page.select_option("select[name=kind]", "unlike")
    page.locator("input[name=highest]").fill("95")
    before, where = said(page), page.url
    assert where.endswith(f"?source={TEST}&label=3&kind=unlike&lowest=0&highest=95")
    page.goto("about:blank")
    page.goto(where)
    assert said(page) == before and shown(page) == int(before.split()[0])
    page.goto(address(site, "?source=nobody&label=99&kind=odd&lowest=x&highest=-5"))
    assert said(page).endswith("images of gan.")
    assert page.locator("select[name=label]").input_value() == page.locator("select[name=kind]").input_value() == ""


def test_hostile_names_are_text_in_the_browser_too(page: Page) -> None:
    page.select_option("select[name=label]", "1")
    assert page.locator("select[name=label] option:checked").inner_text() == MARKUP
    tile = page.locator(".tiles [role=option]:visible").first
    tile.hover()
    assert tile.locator("span").nth(1).inner_text() == MARKUP
    assert page.locator(".told").inner_text().startswith(f"{MARKUP} (")
    assert page.locator("b").count() == 0


def test_without_a_script_every_sheet_is_shown_with_its_counts(browser: Browser, site: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address(site))
        assert page.locator("[data-sheet] img:visible").count() == len(SOURCES)
        assert page.locator("[data-sheet] figcaption:visible").count() == len(SOURCES)
        assert page.locator("#counts tbody tr:visible").count() == len(SOURCES)
        assert page.locator(".gallery :is(form, .tiles, .told):visible").count() == 0


def test_print_has_the_sheets_and_no_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator(".gallery :is(form, .tiles, .told):visible").count() == 0
    heights = page.evaluate("[...document.querySelectorAll('[data-sheet] img')].map((i) => i.checkVisibility())")
    assert heights == [True] * len(SOURCES)


def test_the_gallery_is_accessible(page: Page, site: Path) -> None:
    page.goto(address(site, "?source=vae&label=2&kind=ambiguous"))
    assert not violations(page)


@pytest.mark.parametrize("query", ["", "?highest=0"])
def test_the_gallery_is_narrow_enough_for_a_phone(browser: Browser, site: Path, query: str) -> None:
    with browser.new_context(color_scheme="dark", viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto(address(site, query))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
