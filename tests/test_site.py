"""The site: what its pages say, how they behave in a browser. Run this file to rewrite the golden pages."""

import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pandas as pd
import pytest
import site_results
from axe_playwright_python.sync_playwright import Axe
from browser import QUIET, find
from jinja2 import UndefinedError
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline.alarms import RULES
from pipeline.report import prepare, render
from pipeline.report.health import powers
from pipeline.report.numbers import number, orders, setting
from pipeline.report.paper import paper_page
from pipeline.report.prose import formula, prose
from pipeline.report.results import Family, Provenance, Results
from pipeline.report.views import index_page, model_views
from pipeline.stages import render as stage

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "site_templates"
GOLDEN = Path(__file__).parent / "golden" / "site"
PROVENANCE = Provenance("COMMIT", "SETTINGS", {"python": "VERSION", "torch": "VERSION"}, "PLATFORM", "DATE")
NO_ALARM = site_results.alarms("vae", 0, [0])
MARKUP = '<b onclick="x">&amp;'  # must come out as text


def read(folder: Path, class_names: tuple[str, ...] = site_results.DIGITS, **choices: object) -> Results:
    """A run's results, built small and read by the stage, with a provenance that never changes."""
    params = site_results.params(**choices)  # pyright: ignore[reportArgumentType]
    site_results.build(folder, params, class_names)
    return stage.read(folder, params, site_results.CHANGES, PROVENANCE)


def family_of(models: int) -> dict[str, dict[str, object]]:
    """As many models as asked for, of both families in turn."""
    return {f"model_{i}": {"family": ("gan", "vae")[i % 2]} for i in range(models)}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole site, as the stage writes it."""
    folder = tmp_path_factory.mktemp("run")
    return write_site(folder / "results", folder / "site")


def write_site(folder: Path, into: Path, **choices: object) -> Path:
    params = site_results.params(**choices)  # pyright: ignore[reportArgumentType]
    site_results.build(folder, params)
    stage.main(
        [
            *("--params", params.model_dump_json()),
            *("--preset-changes", json.dumps(site_results.CHANGES)),
            *("--results", str(folder)),
            *("--templates", str(TEMPLATES)),
            *("--into", str(into)),
        ]
    )
    return into


def text_of(html: str) -> str:
    """What a reader sees, spaces evened out."""
    return " ".join("".join(html5lib.parse(html, namespaceHTMLElements=False).itertext()).split())


# What the pages say.


def test_pages_are_the_golden_ones(results: Results) -> None:
    pages = render(results, TEMPLATES)
    stored = {path.relative_to(GOLDEN).as_posix(): path.read_text("utf-8") for path in GOLDEN.rglob("*.html")}
    changed = sorted(name for name in pages.keys() | stored.keys() if pages.get(name) != stored.get(name))
    assert not changed, (
        f"Pages differ from those in tests/golden/site: {', '.join(changed)}. If that is meant, run "
        "`make golden` and commit the difference."
    )


def test_the_finding_says_what_the_table_says(results: Results) -> None:
    metrics = results.metrics[results.metrics["label"].isna()]
    text = text_of(render(results, TEMPLATES)["index.html"])
    for name in results.params.models:
        of_model = metrics[metrics["model"] == name].groupby("metric")["value"].mean()
        assert re.search(rf"{name} (has )?{of_model['sharpness_ratio']:.2f}", text)
        assert f"{100 * of_model['ambiguous']:.1f} % of {name}’s" in text
    assert "Each model was trained from 2 seeds" in text


def test_figures_are_those_of_the_family_whatever_else_lies_there(tmp_path: Path) -> None:
    folder, run = tmp_path / "results", site_results.params()
    site_results.build(folder, run)
    shutil.copy(folder / "figures" / "vae" / "manifold.png", folder / "figures" / "gan" / "manifold.png")
    assert "gan/manifold.png" not in stage.read_figures(folder, run)
    assert "vae/manifold.png" in stage.read_figures(folder, run)
    (folder / "figures" / "vae" / "manifold.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"vae/manifold\.png should be a figure of this run"):
        stage.read_figures(folder, run)


def test_one_seed_is_said_to_give_no_interval(tmp_path: Path) -> None:
    text = text_of(render(read(tmp_path, seeds=(3,)), TEMPLATES)["index.html"])
    assert "no interval over seeds" in text
    assert "means over" not in text


@pytest.mark.parametrize("count", [1, 2, 15])
def test_any_number_of_models_reads_well(tmp_path: Path, count: int) -> None:
    pages = render(read(tmp_path, models=family_of(count), seeds=(0,)), TEMPLATES)
    assert len(pages) == count + 2
    text = text_of(pages["index.html"])
    finding = text[text.index("Where real test images") : text.index("Each model was trained")]
    assert finding.count("model_") == {1: 2, 2: 4, 15: 4}[count]
    assert ("15 models range from" in finding) == (count == 15)
    assert not re.search(r" [,.’]|\bof\d|,,|  ", finding), finding


def test_a_run_without_the_papers_models_says_so(tmp_path: Path) -> None:
    text = text_of(render(read(tmp_path, models=family_of(1), seeds=(0,)), TEMPLATES)["paper.html"])
    for role in ("gan", "gan_saturating", "vae"):
        assert f"This run has no model named {role}," in text


def test_printed_tables_are_compared_with_the_live_networks(results: Results) -> None:
    tables = compared(results)
    assert [row.agrees for number in (1, 2, 3, 4) for row in tables[number].rows or ()] == [True] * 15


@pytest.mark.parametrize("key, value", [("in", 100), ("out", 1), ("activation", "Softplus")])
def test_a_layer_that_differs_from_the_printed_one_is_marked(results: Results, key: str, value: object) -> None:
    networks = json.loads(json.dumps(results.networks))
    networks["gan"]["networks"][0]["layers"][0][key] = value
    altered = dataclasses.replace(results, networks=networks)
    assert [row.agrees for row in compared(altered)[1].rows or ()] == [False, True, True, True]
    assert "differs" in render(altered, TEMPLATES)["paper.html"].partition("Table 2, ")[0].partition("Table 1, ")[2]


def test_a_layer_too_many_or_too_few_is_marked(results: Results) -> None:
    for change in (lambda layers: layers.append(layers[-1]), lambda layers: layers.pop()):
        networks = json.loads(json.dumps(results.networks))
        change(networks["gan"]["networks"][0]["layers"])
        altered = dataclasses.replace(results, networks=networks)
        assert not (compared(altered)[1].rows or [])[-1].agrees
        assert "no such layer" in render(altered, TEMPLATES)["paper.html"]


def compared(results: Results) -> Mapping:
    models = model_views(results)
    return paper_page(index_page(results, models).run, models).tables


def section(page: str, heading: str) -> str:
    """The text of the section with such a heading."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    (found,) = (each for each in tree.iter("section") if each.get("aria-labelledby") == heading)
    return " ".join("".join(found.itertext()).split())


def test_every_alarm_of_every_seed_is_listed_with_the_rules(results: Results) -> None:
    page = render(results, TEMPLATES)["models/gan_saturating.html"]
    rows = [
        ["".join(cell.itertext()) for cell in row]
        for row in html5lib.parse(page, namespaceHTMLElements=False).iter("tr")
    ]
    start = rows.index(["Seed", "Alarm", "From step", "To step", "Seen"]) + 1
    assert [row[:4] for row in rows[start : start + 3]] == [
        ["0", "vanishing gradient", "94", "468, the end"],
        ["0", "frozen generator", "235", "328"],
        ["1", "vanishing gradient", "94", "468, the end"],
    ]
    assert rows[start + 1][4] == "moved 0.0043, slope of the loss -7.5e-09"
    text = section(page, "health")
    assert "Of the 5 rules that look for a dying training, 2 fired." in text
    assert "vanishing gradient (step 94 to 468) and frozen generator (step 235 to 328)" in text
    for rule in RULES:
        assert " ".join((rule.__doc__ or "").split()) in text


def test_a_training_without_alarms_says_so_for_every_seed(results: Results, tmp_path: Path) -> None:
    text = section(render(results, TEMPLATES)["models/vae.html"], "health")
    assert "None of the 5 rules that look for a dying training fired in any of its 2 seeds." in text
    one = section(render(read(tmp_path, seeds=(3,)), TEMPLATES)["models/vae.html"], "health")
    assert "fired in its one seed." in one
    assert "No alarm fired in this seed" in text and "fresh discriminator" not in text


def test_a_model_with_alarms_is_marked_in_the_table_and_on_the_first_screen(results: Results) -> None:
    page = render(results, TEMPLATES)["index.html"]
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    marks = [each for each in tree.iter("a") if each.get("class") == "alarm"]
    assert ["".join(mark.itertext()) for mark in marks] == [
        "alarm: vanishing gradient, 2 of 2 seeds",
        "alarm: frozen generator, 1 of 2 seeds, passed",
    ]
    assert {mark.get("href") for mark in marks} == {"models/gan_saturating.html#health"}
    assert "Alarms in traininggan_saturating: vanishing gradient, frozen generator (passed)" in text_of(page)
    silent = dataclasses.replace(results, alarms={name: dict.fromkeys((0, 1), NO_ALARM) for name in results.alarms})
    page = render(silent, TEMPLATES)["index.html"]
    assert "Alarms in trainingnone" in text_of(page) and 'class="alarm"' not in page


def test_an_alarm_that_lasts_in_some_seeds_only_is_told_apart(results: Results) -> None:
    table = results.alarms["gan_saturating"][0]
    seeds = {0: table[:1], 1: table[:1].assign(lasting=False)}
    mixed = dataclasses.replace(results, alarms={**results.alarms, "gan_saturating": seeds})
    text = text_of(render(mixed, TEMPLATES)["index.html"])
    assert "alarm: vanishing gradient, 2 of 2 seeds, passed in 1" in text


def test_the_paper_page_gives_the_measured_finding(results: Results, tmp_path: Path) -> None:
    text = section(render(results, TEMPLATES)["paper.html"], "figures-3-4")
    assert "vanishing gradient (in 2 of 2 seeds, from step 94 to the end) and frozen generator (in 1 of 2" in text
    assert text.count("fell by 4.0 to 4.3 orders of magnitude in 150 steps") == 2  # of gan too
    assert text.count("rose by 2.0 orders of magnitude") == 2
    without = render(read(tmp_path, models={"gan": {}, "vae": {}}), TEMPLATES)["paper.html"]
    assert "orders of magnitude" not in section(without, "figures-3-4")


def test_a_discriminator_that_did_not_win_is_said_to_have_not(results: Results) -> None:
    text = section(render(results, TEMPLATES)["models/gan.html"], "health")
    assert "did not win" not in text
    one, other = results.experiments["gan"]
    unbeaten = {**results.experiments, "gan": [one, other.assign(D_fake=0.48)]}
    pages = render(dataclasses.replace(results, experiments=unbeaten), TEMPLATES)
    assert "a discriminator did not win in that time" in section(pages["models/gan.html"], "health")
    assert "did not win" not in section(pages["models/gan_saturating.html"], "health")


def test_a_model_that_is_not_trained_step_by_step_has_no_such_section(results: Results) -> None:
    fitted = dataclasses.replace(results, alarms={n: t for n, t in results.alarms.items() if n != "vae"})
    pages = render(fitted, TEMPLATES)
    assert 'id="health"' not in pages["models/vae.html"] and 'id="health"' in pages["models/gan.html"]


def test_live_code_is_the_familys_own(results: Results) -> None:
    page = text_of(render(results, TEMPLATES)["paper.html"])
    for family in ("gan", "vae"):
        source = (ROOT / "pipeline" / "models" / f"{family}.py").read_text("utf-8")
        method = source[source.index("    def objectives") :].partition("\n\n    def ")[0]
        assert " ".join(method.split()) in page


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = read(tmp_path, (MARKUP, *site_results.DIGITS[1:]), title=f"<script>{MARKUP}", dataset=f"a'{MARKUP}")
    family = Family(f"A family. {MARKUP}\n\n- `{MARKUP}`", f"code {MARKUP}", {"TrainedModel"})
    altered = dataclasses.replace(
        hostile,
        families=dict.fromkeys(hostile.families, family),
        provenance=dataclasses.replace(PROVENANCE, platform=MARKUP),
        preset_changes={MARKUP: (MARKUP, MARKUP)},
    )
    for path, page in render(altered, TEMPLATES).items():
        assert MARKUP not in page
        assert "<script" not in page
        assert text_of(page).count(MARKUP) >= 2, f"{path} should show the text {MARKUP}"
        assert not html5lib.parse(page, namespaceHTMLElements=False).findall(".//b")


# Small parts.


def test_numbers_are_written_one_way() -> None:
    assert [number(v) for v in (None, float("nan"), 0, 3, 2953745, 0.12345, 1234.5)] == [
        *("\N{EN DASH}", "\N{EN DASH}", "0", "3", "2,953,745", "0.123", "1,234")
    ]
    shares = (0, 0.12345, 0.00012, 0.99985, 1)
    expected = ["0.0", "12.3", "0.01", "99.98", "100.0"]
    assert [number(v, "%") for v in shares] == [f"{text}\u202f%" for text in expected]
    durations = [number(v, "s").replace("\u202f", " ") for v in (3.14, 42, 59.7, 3599.8, 3660, 90000)]
    assert durations == ["3.1 s", "42 s", "1 min 00 s", "1 h 00 min", "1 h 01 min", "25 h 00 min"]
    assert (number(1.666, "x"), number(147.26, "nats")) == ("1.67", "147.3\u202fnats")
    assert [setting(v) for v in (0.0002, [0, 1], True, None)] == ["0.0002", "0, 1", "yes", "not set"]


def test_orders_of_magnitude_say_which_way() -> None:
    assert orders([4.66]) == "fell by 4.7 orders of magnitude"
    assert orders([4.5, 3.96]) == "fell by 4.0 to 4.5 orders of magnitude"
    assert orders([-2.0, -1.5]) == "rose by 1.5 to 2.0 orders of magnitude"
    assert orders([0.01, -0.6]) == "rose by 0.0 to 0.6 orders of magnitude"
    assert orders([-1.0, 0.5]) == "went from a fall by 0.5 to a rise by 1.0 orders of magnitude, by seed"


def test_a_gradient_of_zero_has_fallen_by_a_finite_number_of_orders() -> None:
    assert 36 < powers(pd.Series([0.1, 0.0])) < 38
    assert powers(pd.Series([0.1, 5.0, 0.001])) == pytest.approx(2)


def test_docstrings_become_html_with_formulas() -> None:
    html = prose("First.\n\nA `$code$` and $-\\log D(x)$:\n\n- `one`: <i>item</i>\n- [x](https://example.org)")
    assert "<code>$code$</code>" in html and html.count("<math") == 1 and "\\" not in html
    assert html.count("<li>") == 2 and "&lt;i&gt;item&lt;/i&gt;" in html and "href" not in html


@pytest.mark.parametrize(
    "latex", [r"\nosuchcommand x", r"\begin{aligned}a&=b\end{aligned}", r"\text{<script>x</script>}"]
)
def test_a_formula_that_is_not_pure_mathml_fails_with_a_sentence(latex: str) -> None:
    with pytest.raises(ValueError, match="should become pure MathML; found"):
        formula(latex)


def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        prepare(TEMPLATES).from_string("{{ nothing }}").render()


# The folder.


def test_the_site_is_rewritten_without_stale_files(tmp_path: Path) -> None:
    into = write_site(tmp_path / "results", tmp_path / "site")
    (into / "models" / "gone.html").write_text("stale")
    (into / "figures" / "gone").mkdir()
    (into / "figures" / "gone" / "samples.png").write_bytes(b"stale")
    (into / ".git").mkdir()
    (into / ".git" / "config").write_text("not the site's")
    write_site(tmp_path / "results", into)
    assert not (into / "models" / "gone.html").exists()
    assert not (into / "figures" / "gone").exists()
    assert (into / ".git" / "config").exists()


def test_a_folder_that_is_no_site_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.tex").write_text("precious")
    with pytest.raises(ValueError, match=r"should hold nothing but a site.*found thesis\.tex"):
        write_site(tmp_path / "results", tmp_path / "site")
    assert [file.name for file in (tmp_path / "site").iterdir()] == ["thesis.tex"]


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    params = site_results.params()
    site_results.build(tmp_path, params)
    (tmp_path / "figures" / "vae" / "samples.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"vae/samples\.png should be a figure of this run"):
        stage.read(tmp_path, params, {}, PROVENANCE)


def test_the_same_results_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first, second = (write_site(tmp_path / "results", tmp_path / name) for name in ("one", "two"))
    files = sorted(file.relative_to(first) for file in first.rglob("*") if file.is_file())
    assert all((first / file).read_bytes() == (second / file).read_bytes() for file in files)
    assert "2023-11-14 22:13 UTC" in (first / "index.html").read_text("utf-8")


def test_every_page_is_strict_html(site: Path) -> None:
    for path in site.rglob("*.html"):
        parser = html5lib.HTMLParser(strict=True)
        parser.parse(path.read_text("utf-8"))


def test_every_link_and_picture_leads_somewhere_inside(site: Path) -> None:
    trees = {
        path.resolve(): html5lib.parse(path.read_text("utf-8"), namespaceHTMLElements=False)
        for path in site.rglob("*.html")
    }
    anchors = {path: [e.get("id") for e in tree.iter() if e.get("id")] for path, tree in trees.items()}
    for path, tree in trees.items():
        assert len(set(anchors[path])) == len(anchors[path]), f"{path.name} uses an id twice"
        for address in (e.get(key) for e in tree.iter() for key in ("href", "src") if e.get(key)):
            parts = urlsplit(address)
            assert not parts.scheme and not parts.netloc, f"{path.name} links outside the site: {address}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file() and site.resolve() in target.parents, f"{path.name}: {address} leads nowhere"
            if parts.fragment:
                assert parts.fragment in anchors[target], f"{path.name}: {address} names no id there"


def test_every_picture_has_a_text_and_its_size(site: Path) -> None:
    for path in site.rglob("*.html"):
        for image in html5lib.parse(path.read_text("utf-8"), namespaceHTMLElements=False).iter("img"):
            assert len(image.get("alt", "")) > 20
            assert int(image.get("width", 0)) > 0 and int(image.get("height", 0)) > 0


# In a browser.


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find()
    if path is None:
        pytest.fail(
            "The site is tested in a real browser; expected a Chromium, found none. "
            "Run `python tests/browser.py`, which installs one, or set CHROMIUM to the path of one."
        )
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 1280), ("light", 360)])
def test_pages_are_accessible_quiet_and_self_contained(browser: Browser, site: Path, scheme: str, width: int) -> None:
    complaints: list[str] = []
    screen: dict = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with browser.new_context(**screen) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("request", lambda request: complaints.extend(outside(request.url, site)))
        for path in sorted(site.rglob("*.html")):
            open_whole(page, path)
            violations = Axe().run(page, options={"preload": False}).response["violations"]
            complaints += [f"{path.name}: {v['id']}: {v['nodes'][0]['html'][:120]}" for v in violations]
    assert not complaints


def outside(url: str, site: Path) -> list[str]:
    return [] if url.startswith(site.resolve().as_uri() + "/") else [f"outside the site: {url}"]


def open_whole(page: Page, path: Path) -> None:
    """Open a page with all its pictures, those below the fold included."""
    page.goto(path.resolve().as_uri())
    page.evaluate("Promise.all([...document.images].map(image => { image.loading = 'eager'; return image.decode(); }))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_reader(browser: Browser, site: Path, scheme: str) -> None:
    with browser.new_context(color_scheme=scheme) as context:  # pyright: ignore[reportArgumentType]
        page = context.new_page()
        page.goto((site / "index.html").resolve().as_uri())
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert (brightness > 128) == (scheme == "light")


def test_no_page_is_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    site = write_site(
        tmp_path / "results",
        tmp_path / "site",
        title="Pneumonoultramicroscopicsilicovolcanoconiosis compared",
        dataset="a/very/long/path/without/any/space/at/all/" * 3,
        seeds=tuple(range(1000, 1010)),
    )
    with browser.new_context(viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        for path in sorted(site.rglob("*.html")):
            open_whole(page, path)
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, f"{path.name} is {width} px wide on a phone of 360"


def rewrite_golden() -> None:
    """Make the golden pages what the report says now."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, page in render(read(Path(folder)), TEMPLATES).items():
            (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    rewrite_golden()
