"""The page of the latent spaces: what lies between images, what the page says, and its lens in a browser."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import html5lib
import numpy as np
import pytest
import site_results
import torch
from browser import complaints_of
from contract import digits
from playwright.sync_api import Browser, Page
from site_results import TEMPLATES, loaded, rendered, write_site
from test_figures import images, pixels
from test_labels_page import colours
from test_site import MARKUP, text_of

from pipeline.analysis import paper_claims
from pipeline.core import artifacts
from pipeline.core.shapes import as_images, as_pixels
from pipeline.data.dataset import Dataset
from pipeline.data.dataset_file import write_dataset
from pipeline.figures import latent
from pipeline.figures.style import LEVELS
from pipeline.models.common.checkpoint import write_model
from pipeline.models.vae import Vae
from pipeline.report.inputs import Results
from pipeline.report.pages.latent import ABOUT
from pipeline.report.site import render
from pipeline.stages import map_latent, plot_latent

MODELS = {"gan": {}, "vae": {}, "vae_16": {"family": "vae", "latent": 16}}
NAMES = ("zero", MARKUP, *site_results.DIGITS[2:])  # of classes
SIDE = 20
SHADES = np.add.outer(np.arange(SIDE) * 10, np.arange(SIDE) * 2)  # of the tiles of the map: each has its own grey
QUANTILES = np.linspace(-1.9, 1.9, SIDE)


def arrays(dimensions: int) -> dict[str, np.ndarray]:
    """What `map_latent` writes, with a map whose tiles say by their greys where they are."""
    rng = np.random.default_rng(dimensions)
    labels = np.arange(200) % 10
    return {
        "manifold": np.broadcast_to(SHADES[..., None, None], (SIDE, SIDE, 28, 28)).astype(np.uint8),
        "quantiles": QUANTILES,
        "codes": rng.normal(size=(200, dimensions)),
        "labels": labels,
        "ends": images(20).reshape(10, 2, 28, 28),
        "end_labels": np.stack([np.arange(10), (np.arange(10) + 1) % 10], axis=1),
        "between": images(110).reshape(10, 11, 28, 28),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("latent")
    site_results.build(built, site_results.params(models=MODELS), NAMES)
    labels = np.arange(20) % 10
    dataset = Dataset(images(20), labels, images(20), labels, list(NAMES))
    write_dataset(built / "images.npz", dataset)
    for name, dimensions in {"vae": 2, "vae_16": 16}.items():
        artifacts.write_arrays(built / "latent.npz", **arrays(dimensions))
        figures = built / "figures" / name
        plot_latent.main(
            latent_file=built / "latent.npz",
            dataset_file=built / "images.npz",
            manifold_picture=figures / "manifold.png",
            codes_picture=figures / "codes.svg",
            interpolations_picture=figures / "interpolations.png",
            about_file=figures / "latent.json",
        )
    return built


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
    with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        opened = context.new_page()
        complaints = complaints_of(opened)
        opened.goto((site / "latent.html").resolve().as_uri())
        yield opened
    assert not complaints


def said(page: Page, which: int = 0) -> str:
    return page.locator(".lens [role=status]").nth(which).inner_text()


def coordinates(column: int, row: int) -> str:
    at = (QUANTILES[column], QUANTILES[SIDE - 1 - row])
    return "z₁ = {:.2f}, z₂ = {:.2f}".format(*at).replace("-", "−")


def shown(page: Page) -> list[int]:
    """The darkest and the brightest grey under the first lens, but for its edge."""
    box = page.locator(".lens .frame").first.bounding_box()
    assert box and (round(box["width"]), round(box["height"])) == (224, 224)
    clip = {"x": box["x"] + 4, "y": box["y"] + 4, "width": 216, "height": 216}
    return colours(page, page.screenshot(clip=clip))  # pyright: ignore[reportArgumentType]


# What is mapped and drawn.


def mapped(folder: Path, dimensions: int, labels: np.ndarray) -> tuple[Vae, np.ndarray, dict[str, np.ndarray]]:
    """An untrained VAE, the test images, and what `map_latent` finds of them."""
    torch.manual_seed(0)
    model = Vae(Vae.Config.model_validate({"latent": dimensions})).eval()
    write_model(folder / "model.safetensors", model, "vae", {})
    pictures = as_pixels(digits(len(labels))).numpy()
    names = [f"class {label}" for label in range(int(labels.max()) + 1)]
    write_dataset(folder / "images.npz", Dataset(pictures, labels, pictures, labels, names))
    map_latent.main(
        checkpoint_file=folder / "model.safetensors",
        dataset_file=folder / "images.npz",
        latent_file=folder / "latent.npz",
    )
    return model, pictures, artifacts.read_arrays(folder / "latent.npz")


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_between_two_images_lies_the_line_between_their_codes(tmp_path: Path, dimensions: int) -> None:
    labels = np.array([2, 1, 1, 0, 2, 0, 1])
    model, pictures, found = mapped(tmp_path, dimensions, labels)
    pairs = [(3, 1), (1, 0), (0, 3)]  # the first images of 0 and 1, of 1 and 2, of 2 and 0
    assert found["end_labels"].tolist() == [[0, 1], [1, 2], [2, 0]]
    assert (found["ends"] == pictures[pairs]).all()
    assert found["manifold"].shape == (SIDE, SIDE, 28, 28) and found["between"].shape == (3, 11, 28, 28)
    with torch.no_grad():
        codes = model.encode(as_images(torch.from_numpy(pictures)))
        for line, (start, end) in zip(found["between"], pairs, strict=True):
            for step, image in enumerate(line):
                code = codes[start] + (codes[end] - codes[start]) * step / 10
                expected = as_pixels(model.decode(code[None]))[0].numpy()
                assert np.abs(image.astype(int) - expected).max() <= 1


def test_of_many_classes_the_first_ten_begin_a_line() -> None:
    labels = np.repeat(np.arange(26)[::-1], 3)
    found = map_latent.pairs(labels)
    assert labels[found].tolist() == [[label, label + 1] for label in range(10)]
    assert (found % 3 == 0).all()


def test_a_class_without_test_images_is_passed_over() -> None:
    assert map_latent.pairs(np.array([5, 0, 3, 5, 0])).tolist() == [[1, 2], [2, 0], [0, 1]]


def test_a_latent_space_of_one_dimension_has_equal_rows(tmp_path: Path) -> None:
    _, _, found = mapped(tmp_path, 1, np.array([0, 1, 0]))
    assert (found["manifold"] == found["manifold"][:1]).all() and (
        found["manifold"][:, 0] != found["manifold"][:, -1]
    ).any()


def test_a_row_has_both_images_and_what_lies_between() -> None:
    ends, between = images(20).reshape(10, 2, 28, 28), images(110, 1).reshape(10, 11, 28, 28)
    grey, opacity = pixels(latent.interpolations(ends, between))
    assert grey.shape == (2 * 289, 2 * (28 + 6 + 11 * 29 - 1 + 6 + 28))
    assert (grey[::2, ::2] == grey[1::2, 1::2]).all()
    grey, opacity = grey[::2, ::2], opacity[::2, ::2]
    covered = np.zeros(grey.shape, bool)
    for row in range(10):
        lefts = [0, *range(34, 34 + 11 * 29, 29), 358]
        for left, image in zip(lefts, [ends[row, 0], *between[row], ends[row, 1]], strict=True):
            tile = (slice(29 * row, 29 * row + 28), slice(left, left + 28))
            assert np.abs(grey[tile] - image).max() <= 255 / (LEVELS - 1) / 2 + 1
            covered[tile] = True
    assert ((opacity > 0) == covered).all()


# What the page says.


def test_only_a_run_with_an_autoencoder_has_the_page(tmp_path: Path) -> None:
    for models, expected in (({"gan": {}, "vae": {}}, True), ({"gan": {}, "cvae": {}}, False)):
        write_site(tmp_path / "results", tmp_path / "site", models=models)
        assert (tmp_path / "site" / "latent.html").exists() == expected
        assert ('href="latent.html"' in (tmp_path / "site" / "index.html").read_text("utf-8")) == expected


def test_every_autoencoder_has_its_pictures(pages: dict[str, str]) -> None:
    html = pages["latent.html"]
    for name in ("vae", "vae_16"):
        for figure in ("manifold.png", "codes.svg", "interpolations.png"):
            assert f'src="figures/{name}/{figure}"' in html
        assert f'href="data/figures/{name}/latent.json"' in html
    assert "figures/gan/" not in html
    text = text_of(html)
    assert (
        "A code of this model has 2 numbers." in text
        and "A code of this model has 16 numbers. The map is a plane" in text
    )


def test_the_claim_of_the_paper_is_answered(results: Results) -> None:
    assert ABOUT in {claim.finding.__name__ for claim in paper_claims.CLAIMS}
    claim = results.claims[:1].assign(
        name=ABOUT,
        claim="A VAE’s latent space has a meaning.",
        measure="for how many test images",
        number=0.662,
        lower=0.653,
        upper=0.672,
        unit="%",
        verdict="supported",
    )
    text = text_of(render(dataclasses.replace(results, claims=claim), TEMPLATES)["latent.html"])
    assert "“" not in text.split("The paper says: ")[1][:1]  # the quotes are the browser's
    answer = "A VAE’s latent space has a meaning. In this run: supported. The measure: for how many test images."
    assert answer in text and "That is 66.2 % (65.3 % to 67.2 %); chance alone would give about 10.0 %." in text
    open_claim = claim.assign(number=None, lower=None, upper=None, verdict="not decided by this run")
    text = text_of(render(dataclasses.replace(results, claims=open_claim), TEMPLATES)["latent.html"])
    assert "In this run: not decided by this run. The rule" in text and "That is" not in text


def test_rows_are_told_and_hostile_names_of_classes_stay_text(pages: dict[str, str]) -> None:
    html = pages["latent.html"]
    assert MARKUP not in html
    parsed = html5lib.parse(html, namespaceHTMLElements=False)
    assert not parsed.findall(".//b")
    alts = [image.get("alt") for image in parsed.iter("img") if "interpolations" in image.get("src", "")]
    rows = f"zero to {MARKUP}, {MARKUP} to 2, 2 to 3"
    assert len(alts) == 2 and all(rows in (alt or "") for alt in alts) and rows in text_of(html)
    assert "8 to 9 and 9 to zero." in text_of(html)


# In a browser.


def test_the_lens_shows_the_tile_under_the_pointer_with_its_coordinates(page: Page) -> None:
    field = page.locator(".field").first
    field.scroll_into_view_if_needed()
    page.evaluate(
        "Promise.all([...document.querySelectorAll('.lensed img')].slice(0, 2).map((image) => image.decode()))"
    )
    for column, row in ((0, 0), (3, 12), (19, 0), (0, 19), (19, 19), (10, 9)):
        for inside in (1, 27):  # of a tile's 28 pixels
            field.hover(position={"x": 28 * column + inside, "y": 28 * row + inside})
            assert said(page) == coordinates(column, row)
        assert shown(page) == pytest.approx([SHADES[row, column]] * 2, abs=255 / (LEVELS - 1) / 2 + 2)
        marker, box = field.locator(".marker").bounding_box(), field.bounding_box()
        assert marker and box
        assert (marker["x"] - box["x"], marker["y"] - box["y"]) == pytest.approx((28 * column, 28 * row), abs=0.6)


def test_the_lens_moves_by_keyboard_and_stays_on_the_map(page: Page) -> None:
    page.locator(".field").first.focus()
    assert said(page) == coordinates(10, 10)
    column, row = 10, 10
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "ArrowLeft", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        column += {"ArrowRight": 1, "ArrowLeft": -1}.get(key, 0)
        row += {"ArrowDown": 1, "ArrowUp": -1}.get(key, 0)
        assert said(page) == coordinates(column, row)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    assert said(page) == coordinates(0, row)
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert said(page) == coordinates(19, row)
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    assert said(page) == coordinates(19, 0)
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    assert said(page) == coordinates(19, 19)
    assert page.evaluate("scrollY") == page.evaluate("(document.activeElement.blur(), scrollY)")


def test_each_map_has_its_own_lens(page: Page) -> None:
    before = said(page)
    field = page.locator(".field").nth(1)
    field.scroll_into_view_if_needed()
    field.hover(position={"x": 5, "y": 5})
    assert said(page, 1) == "along the first principal direction −1.90, along the second 1.90"
    assert said(page) == before


def test_without_a_script_the_pictures_are_shown_and_no_lens(browser: Browser, site: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / "latent.html").resolve().as_uri())
        assert page.locator("main figure img:visible").count() == 6
        assert page.locator(".lens:visible").count() == 0


def test_print_has_the_pictures_and_no_lens(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("main figure img:visible").count() == 6
    assert page.locator(":is(.lens, .marker):visible").count() == 0
