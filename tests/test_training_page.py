"""The page of the trainings: its films against the images behind them, what it says, and its scrubbers in a browser."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import site_results
from browser import complaints_of
from playwright.sync_api import Browser, Page
from site_results import TEMPLATES, loaded, read, rendered
from test_figures import images, pixels
from test_labels_page import colours
from test_site import rows_of, section, text_of

from pipeline.analysis.alarms import RULES
from pipeline.core import artifacts
from pipeline.figures import film, snapshots
from pipeline.report.formatting import number
from pipeline.report.inputs import Results
from pipeline.report.site import render

MODELS = {
    "gan": {"epochs": 30},
    "gan_saturating": {"family": "gan", "loss": "saturating", "epochs": 2},
    "vae": {},
}
TAKEN = {"gan": 60, "gan_saturating": 10, "vae": 25}  # moments at which images were kept
STEPS_PER_EPOCH = {"gan": 234.0, "gan_saturating": 234.0, "vae": 600.0}  # as in the records of `site_results`
EPOCHS = {"gan": 30, "gan_saturating": 2, "vae": 5}


def greys(count: int, noises: int) -> np.ndarray:
    """Images that say by their grey at which of the moments they were taken (count, noises, 28, 28)."""
    shades = np.linspace(0, 255, count)[:, None, None, None]
    return np.broadcast_to(shades, (count, noises, 28, 28)).astype(np.uint8)


def steps_of(name: str) -> np.ndarray:
    last = EPOCHS[name] * STEPS_PER_EPOCH[name]
    return np.linspace(last / TAKEN[name], last, TAKEN[name]).round().astype(int)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose films say by their greys which moment they show."""
    built = tmp_path_factory.mktemp("training")
    site_results.build(built, site_results.params(models=MODELS))
    for name, count in TAKEN.items():
        sheet, table = film.film(steps_of(name), greys(count, 100), STEPS_PER_EPOCH[name])
        artifacts.write_bytes(built / "figures" / name / "film.png", sheet)
        artifacts.write_table(built / "figures" / name / "film.csv", table)
    return built


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return loaded(folder, site_results.params(models=MODELS))


@pytest.fixture(scope="module")
def pages(results: Results) -> dict[str, str]:
    return render(results, TEMPLATES)


@pytest.fixture(scope="module")
def html(pages: dict[str, str]) -> str:
    return pages["training.html"]


@pytest.fixture(scope="module")
def site(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(folder, site_results.params(models=MODELS), tmp_path_factory.mktemp("site"))


@pytest.fixture
def page(browser: Browser, site: Path) -> Iterator[Page]:
    """The page in a browser that was left no complaint."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = context.new_page()
        complaints = complaints_of(opened)
        opened.goto((site / "training.html").resolve().as_uri())
        yield opened
    assert not complaints


def said(page: Page) -> list[str]:
    return page.locator(".film [role=status]").all_inner_texts()


def in_words(results: Results, name: str, moment: int) -> str:
    table = results.films[name]
    epoch, step = table["epoch"].tolist()[moment], table["step"].tolist()[moment]
    return f"epoch {epoch:.1f} of {EPOCHS[name]}, step {step:,}"


# The films.


def test_a_film_shows_the_first_noises_of_its_moments_one_below_the_other() -> None:
    taken = np.stack([images(40, seed) for seed in range(5)])
    sheet, table = film.film(np.arange(10, 60, 10), taken, 20.0)
    grey, opacity = pixels(sheet)
    chosen = snapshots.moments(5, len(table))
    assert grey.shape == (len(table) * film.NOISES // 8 * 29 - 1, 8 * 29 - 1)
    assert table["step"].tolist() == [10 * (moment + 1) for moment in chosen]
    assert table["epoch"].tolist() == [(moment + 1) / 2 for moment in chosen]
    covered = np.zeros(grey.shape, bool)
    places = zip(table["top"].tolist(), table["height"].tolist(), chosen, strict=True)
    for above, extent, moment in places:
        for noise in range(film.NOISES):
            top, left = above + noise // 8 * 29, noise % 8 * 29
            tile = (slice(top, top + 28), slice(left, left + 28))
            assert np.abs(grey[tile] - taken[moment, noise]).max() <= 255 / (film.LEVELS - 1) / 2 + 1
            covered[tile] = True
            assert above <= top and top + 28 <= above + extent
    assert ((opacity > 0) == covered).all()


def test_a_film_has_as_many_moments_as_fit() -> None:
    plain, table = film.film(np.arange(1, 101), greys(100, film.NOISES), 10.0)
    assert len(table) == film.MOMENTS and table["step"].tolist() == [m + 1 for m in snapshots.moments(100, 24)]
    noisy, fewer = film.film(np.arange(1, 101), np.stack([images(film.NOISES, seed) for seed in range(100)]), 10.0)
    assert 2 <= len(fewer) < film.MOMENTS and fewer["step"].tolist()[:: len(fewer) - 1] == [1, 100]
    assert len(plain) < film.LARGEST and len(noisy) < film.LARGEST
    one_more = film.reel(np.stack([images(film.NOISES, seed) for seed in range(len(fewer) + 1)]))
    assert len(one_more) > film.LARGEST


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_short_training_has_a_film_of_all_its_moments(count: int) -> None:
    sheet, table = film.film(np.arange(1, count + 1), greys(count, 9), 1.0)
    assert table["moment"].tolist() == list(range(count))
    grey, opacity = pixels(sheet)
    assert grey.shape == (count * 58 - 1, 231)
    assert (opacity[29:57, 29:] == 0).all() and (opacity[29:57, :28] == 255).all()  # of the ninth noise


# What the page says.


def test_each_film_says_its_moments(html: str, results: Results) -> None:
    for name in MODELS:
        table = results.films[name]
        for column in ("step", "epoch", "top"):
            assert f'data-{column}s="{",".join(map(str, table[column]))}"' in html
        assert f'data-of-steps="{EPOCHS[name] * STEPS_PER_EPOCH[name]:.0f}" data-of-epochs="{EPOCHS[name]}"' in html
        assert f'href="data/figures/{name}/film.csv"' in html and f'href="figures/{name}/film.png"' in html


def test_alarms_losses_and_checks_of_each_model_stand_there_as_on_its_page(html: str, pages: dict[str, str]) -> None:
    for name in MODELS:
        here = section(html, f"of-{name}")
        there = section(pages[f"models/{name}.html"], "health")
        assert rows_of(html, f"of-{name}") == rows_of(pages[f"models/{name}.html"], "health")
        assert f'src="figures/{name}/losses.svg"' in html and f'src="figures/{name}/diagnostics.svg"' in html
        for sentence in ("Diagnostics", "The losses"):
            assert sentence in here and sentence in there
    assert [row[:2] for row in rows_of(html, "of-gan_saturating")[1:]] == [
        ["0", "vanishing gradient"],
        ["0", "frozen generator"],
        ["1", "vanishing gradient"],
    ]
    assert f"None of the {len(RULES)} rules" in section(html, "of-vae")
    assert ("Against a better discriminator" in section(html, "of-gan")) and (
        "Against a better discriminator" not in section(html, "of-vae")
    )
    assert all(" ".join((rule.__doc__ or "").split()) in text_of(html) for rule in RULES)


def test_the_time_of_every_training_is_listed(html: str, results: Results) -> None:
    rows = rows_of(html, "times")[1:]
    records = [(name, record) for name, each in results.training.items() for record in each]
    assert len(rows) == 2 * len(MODELS)
    for row, (name, record) in zip(rows, records, strict=True):
        assert row[:2] == [name, str(record["seed"])]
        assert row[2].replace("\u202f", " ") == number(record["seconds"], "s").replace("\u202f", " ")
        assert row[4] == f"{record['steps']:,}"


def test_one_model_has_no_control_for_all(tmp_path: Path, pages: dict[str, str]) -> None:
    alone = read(tmp_path, models={"vae": {}})
    assert 'class="choose together"' not in render(alone, TEMPLATES)["training.html"]
    assert 'class="choose together"' in pages["training.html"]


def test_without_a_trained_model_the_times_remain(results: Results) -> None:
    fitted = dataclasses.replace(results, alarms={}, films={})
    text = text_of(render(fitted, TEMPLATES)["training.html"])
    assert "From noise to images" not in text and "The time" not in text and "Every training of this run" in text


# In a browser.


def test_a_scrubber_shows_the_moment_that_it_says(page: Page, results: Results) -> None:
    for which, name in enumerate(MODELS):
        table, shades = results.films[name], np.linspace(0, 255, TAKEN[name]).astype(int)
        chosen = snapshots.moments(TAKEN[name], len(table))
        film_ = page.locator(".film").nth(which)
        film_.scroll_into_view_if_needed()
        film_.locator(".frame img").evaluate("(image) => image.decode()")
        for moment in (0, 1, len(table) // 2, len(table) - 1):
            film_.locator("input").fill(str(moment))
            words = in_words(results, name, moment)
            assert said(page)[which] == words
            assert film_.locator("input").get_attribute("aria-valuetext") == words
            box = film_.locator(".frame").bounding_box()
            assert box and (round(box["width"]), round(box["height"])) == (462, 114)
            for corner in ((4, 4), (462 - 52, 4), (4, 114 - 52), (462 - 52, 114 - 52)):
                clip = {"x": box["x"] + corner[0], "y": box["y"] + corner[1], "width": 48, "height": 48}
                shown = colours(page, page.screenshot(clip=clip))  # pyright: ignore[reportArgumentType]
                assert shown == pytest.approx([shades[chosen[moment]]] * 2, abs=255 / 14 / 2 + 2)


def test_all_scrubbers_go_to_the_same_part_of_their_trainings(page: Page, results: Results) -> None:
    parts = {name: results.films[name]["step"].to_numpy() / (EPOCHS[name] * STEPS_PER_EPOCH[name]) for name in MODELS}
    least = min(part[0] for part in parts.values())
    status = page.locator(".together [role=status]")
    for value in range(0, 101, 5):
        page.locator(".together input").fill(str(value))
        part = least ** (1 - value / 100)
        nearest = {name: int(np.abs(np.log(each / part)).argmin()) for name, each in parts.items()}
        assert said(page) == [in_words(results, name, moment) for name, moment in nearest.items()]
        assert status.inner_text().startswith("Each model at its moment nearest to ")
        assert float(status.inner_text().split(" nearest to ")[1].split()[0]) == pytest.approx(100 * part, abs=0.51)
    page.locator(".film input").first.fill("3")
    assert status.inner_text() == "Each model at a moment of its own."


def test_every_control_works_by_keyboard(page: Page, results: Results) -> None:
    page.focus(".together input")
    page.keyboard.press("Home")
    assert said(page)[0] == in_words(results, "gan", 0)
    for which, name in enumerate(MODELS):
        control = page.locator(".film input").nth(which)
        control.focus()
        page.keyboard.press("End")
        page.keyboard.press("ArrowLeft")
        assert said(page)[which] == in_words(results, name, len(results.films[name]) - 2)
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        assert said(page)[which] == in_words(results, name, 1)


def test_without_a_script_eight_moments_are_shown(browser: Browser, site: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((site / "training.html").resolve().as_uri())
        assert page.locator(".film details img:visible").count() == len(MODELS)
        assert page.locator(".films :is(form, .frame):visible").count() == 0
        assert not [url for url in requests if url.endswith("film.png")]


def test_print_has_the_eight_moments_and_no_controls(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.locator(".films :is(form, .frame):visible").count() == 0
    assert page.evaluate(
        "[...document.querySelectorAll('.film details img')].every((image) => image.checkVisibility())"
    )


def test_the_table_of_a_film_lies_in_the_site(site: Path, results: Results) -> None:
    for name in MODELS:
        pd.testing.assert_frame_equal(pd.read_csv(site / "data" / "figures" / name / "film.csv"), results.films[name])
