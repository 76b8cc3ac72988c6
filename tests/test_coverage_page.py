"""The page of what is missing and what is copied: what it says, and how it behaves in a browser."""

import dataclasses
import shutil
from pathlib import Path

import html5lib
import pandas as pd
import pytest
import site_results
from browser import complaints_of, open_whole, violations
from playwright.sync_api import Browser
from site_results import TEMPLATES, read
from test_site import MARKUP, family_of, outside, rows_of, section, text_of

from pipeline.core.names import TEST
from pipeline.report.formatting import THIN, number
from pipeline.report.inputs import Results
from pipeline.report.pages.coverage import ASKED, coverage_page, step
from pipeline.report.site import render

SPREAD = {0: 0.0002, 1: 0.3, 2: 0.04, 3: 0.085}  # shares of some classes, of one model; all others have a tenth
NAMES = ("zero", MARKUP, *site_results.DIGITS[2:])  # of classes


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A run in which the first model draws some classes too rarely or too often."""
    found = read(tmp_path_factory.mktemp("coverage"), NAMES)
    table = found.metrics.copy()
    shares = (table["metric"] == "share") & (table["set"] == "images")
    table.loc[shares, "value"] = 0.1
    for label, share in SPREAD.items():
        table.loc[shares & (table["model"] == "gan") & (table["label"] == label), "value"] = share
    return dataclasses.replace(found, metrics=table)


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return render(results, TEMPLATES)["coverage.html"]


@pytest.mark.parametrize("part", ASKED)
def test_each_question_has_its_scores_beside_those_of_known_images(results: Results, page: str, part: str) -> None:
    metrics, baselines = ASKED[part]
    cells = {row[0]: row[1:] for row in rows_of(page, part)}
    mine = results.summary[results.summary["set"] == "images"].set_index(["model", "metric", "space"])["value"]
    spaces = {"copying": "pixels", "authenticity": "pixels", "ndb": "pixels", "support": "pixels"}
    spaces |= dict.fromkeys(["sharpness_ratio", "spectrum_distance"], "pixels") | {"label_js": ""}
    titles = {TEST: "real test images", "train_copies": "training images", "noise": "uniform noise"}
    titles |= {"blurred": "training images, blurred by one pixel"}
    for source in (*results.params.models, *baselines):
        shown = cells[titles.get(source, source)]
        assert len(shown) == len(metrics)
        for metric, text in zip(metrics, shown, strict=True):
            value = mine.loc[(source, metric, spaces.get(metric, "classifier"))]
            assert text.startswith(" ".join(number(float(value), "score").split())), (source, metric)
    others = {titles[name] for name in titles} - {titles[name] for name in baselines}
    assert not others & cells.keys()


def test_copies_are_judged_by_the_limits_that_the_page_tells(results: Results, page: str) -> None:
    """Those of the table of gates, by which each model passes here."""
    limits = results.gates[results.gates["gate"] == "copying"].groupby("metric")["limit"].mean()
    real = results.summary.query(f"model == '{TEST}' and metric == 'authenticity'")["value"].item()
    times = number(real / limits["authenticity"])
    text = section(page, "novelty").replace(THIN, " ")
    assert f"A model passes if CT is at least {number(limits['copying'])}, and if the authenticity of real" in text
    assert f"is at most {times} times its own. Here every model passes." in text


def test_what_observation_models_draw_is_left_out(page: str) -> None:
    assert "pixels drawn" not in text_of(page)


def test_classes_that_are_missing_or_too_frequent_are_marked(results: Results, page: str) -> None:
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    (table,) = (each for each in tree.iter("table") if "heat" in each.get("class", ""))
    rows = {row[0].text: row for row in table.findall("tbody/tr")}
    assert list(rows) == list(NAMES)
    gan = {name: row[2] for name, row in rows.items()}
    marks = {name: cell.get("class") for name, cell in gan.items()}
    assert marks == {
        **dict.fromkeys(NAMES),
        **{"zero": "rarer-3", MARKUP: "oftener-2", "2": "rarer-2"},
    }
    words = {name: "".join(cell.itertext()).replace(THIN, " ") for name, cell in gan.items()}
    assert words["zero"] == "0.02 %0.00 ×, missing"
    assert words[MARKUP] == "30.0 %3.00 ×"
    assert words["3"] == "8.5 %0.85 ×"
    assert all(row[3].get("class") is None for row in rows.values())


@pytest.mark.parametrize(
    "times_real, expected",
    [(0.0, -3), (0.09, -3), (0.11, -2), (0.6, -1), (0.81, 0), (1.0, 0), (1.24, 0), (1.3, 1), (2.1, 2), (10.1, 3)],
)
def test_steps_are_the_same_in_both_directions(times_real: float, expected: int) -> None:
    assert step(times_real) == expected
    if times_real:
        assert step(1 / times_real) == -expected


def test_a_class_without_real_images_has_no_ratio(results: Results) -> None:
    table = results.metrics
    none = (table["metric"] == "share") & (table["model"] == TEST) & (table["label"] == 4)
    table = table.assign(value=table["value"].mask(none, 0.0))
    shown = coverage_page(dataclasses.replace(results, metrics=table)).classes[4]
    assert [(each.times_real, each.step) for each in shown.models] == [(None, 0)] * 3


def test_a_score_that_was_not_measured_has_no_column(results: Results) -> None:
    summary = results.summary[results.summary["metric"] != "fd_infinity_percent"]
    shown = coverage_page(dataclasses.replace(results, summary=summary)).tables["size"]
    assert [metric.name for metric in shown.columns] == ["fd_percent"]


def test_every_figure_is_shown_with_its_data(results: Results, page: str) -> None:
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    figures = {
        next(figure.iter("img")).get("src"): [
            link.get("href") for link in figure.iter("a") if link.get("download") is not None
        ]
        for figure in tree.iter("figure")
    }
    owners = (*results.params.models, TEST)
    expected = {f"figures/{owner}/bins.svg": f"data/figures/{owner}/bins.csv" for owner in owners}
    expected |= {f"figures/{o}/nearest.svg": f"data/figures/{o}/nearest.csv" for o in (*owners, "train_copies")}
    expected |= {
        f"figures/comparison/{c}.svg": f"data/figures/comparison/{c}.csv" for c in ("prd", "extrapolation", "spectrum")
    }
    assert figures == {picture: [picture, data] for picture, data in expected.items()}
    assert set(expected.values()) <= set(results.data)


def test_the_tables_are_written_beside_the_page(site: Path) -> None:
    for table in ("comparison/prd", "comparison/spectrum", "gan/bins", "vae/nearest", "train_copies/nearest"):
        assert not pd.read_csv(site / "data" / "figures" / f"{table}.csv").empty


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return read(tmp_path_factory.mktemp("many"), models=family_of(15))


@pytest.mark.parametrize("scheme, width", [("light", 1280), ("dark", 360)])
def test_fifteen_models_are_accessible_and_quiet_and_fit(
    browser: Browser, site: Path, many: Results, tmp_path: Path, scheme: str, width: int
) -> None:
    site = shutil.copytree(site, tmp_path / "site")
    for picture in many.figures:
        site_results.picture(site / "figures" / picture)
    (site / "many.html").write_text(render(many, TEMPLATES)["coverage.html"], "utf-8")
    screen: dict = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    with browser.new_context(**screen) as context:
        opened = context.new_page()
        complaints = complaints_of(opened)
        opened.on("request", lambda asked: complaints.extend(outside(asked.url, site)))
        open_whole(opened, (site / "many.html").resolve().as_uri())
        if scheme == "light":
            complaints += violations(opened)
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert not complaints
