"""The site: what its pages say, how they behave in a browser. Run this file to rewrite the golden pages."""

import dataclasses
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urlsplit

import html5lib
import pandas as pd
import pytest
import site_results
from browser import complaints_of, open_whole, violations
from conftest import ROOT
from jinja2 import UndefinedError
from playwright.sync_api import Browser
from site_results import PROVENANCE, TEMPLATES, loaded, read, write_site

from pipeline.analysis import gates, verdicts
from pipeline.analysis.alarms import RULES
from pipeline.core.names import TEST
from pipeline.core.outputs import REFERENCES
from pipeline.metrics.base import CONCERNS, CORRUPTIONS, Metric, Question, Role
from pipeline.metrics.catalogue import CATALOGUE
from pipeline.report import load
from pipeline.report.formatting import number, orders, setting
from pipeline.report.inputs import Family, Results
from pipeline.report.markdown import formula, prose
from pipeline.report.pages.index import run_of
from pipeline.report.pages.model import model_views
from pipeline.report.pages.paper import paper_page
from pipeline.report.pairwise import Comparison, budgets, comparison
from pipeline.report.score_tables import Cell, Measured, Summary, headlines
from pipeline.report.site import prepare, render
from pipeline.report.wording import QUESTIONS, ROLES, direction, home

GOLDEN = Path(__file__).parent / "golden" / "site"
NO_ALARM = site_results.alarms("vae", 0, [0])
MARKUP = '<b onclick="x">&amp;'  # must come out as text


def family_of(models: int) -> dict[str, dict[str, object]]:
    """As many models as asked for, of both families in turn."""
    return {f"model_{i}": {"family": ("gan", "vae")[i % 2]} for i in range(models)}


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Of one seed, without a sensitivity check."""
    return read(tmp_path_factory.mktemp("single"), seeds=(3,), sensitivity=False)


def text_of(html: str) -> str:
    """What a reader sees, spaces evened out."""
    return " ".join("".join(html5lib.parse(html, namespaceHTMLElements=False).itertext()).split())


# What the pages say.


def test_pages_are_the_golden_ones(pages: dict[str, str]) -> None:
    stored = {path.relative_to(GOLDEN).as_posix(): path.read_text("utf-8") for path in GOLDEN.rglob("*.html")}
    changed = sorted(name for name in pages.keys() | stored.keys() if pages.get(name) != stored.get(name))
    assert not changed, (
        f"Pages differ from those in tests/golden/site: {', '.join(changed)}. If that is meant, run "
        "`make golden` and commit the difference."
    )


def test_the_finding_says_what_the_table_says(results: Results, pages: dict[str, str]) -> None:
    metrics = results.metrics[results.metrics["set"] == "images"]
    text = text_of(pages["index.html"])
    for name in results.params.models:
        of_model = metrics[metrics["model"] == name].groupby("metric")["value"].mean()
        assert re.search(rf"{name} (has )?{of_model['sharpness_ratio']:.2f}", text)
        assert f"{100 * of_model['ambiguous']:.1f} % of {name}’s" in text
    assert "Each model was trained from 2 seeds" in text


def test_figures_are_those_of_the_family_whatever_else_lies_there(tmp_path: Path) -> None:
    folder, run = tmp_path / "results", site_results.params()
    site_results.build(folder, run)
    shutil.copy(folder / "figures" / "vae" / "manifold.png", folder / "figures" / "gan" / "manifold.png")
    assert "gan/manifold.png" not in load.read_figures(folder, run)
    assert "vae/manifold.png" in load.read_figures(folder, run)
    (folder / "figures" / "vae" / "manifold.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"vae/manifold\.png should be a figure of this run"):
        load.read_figures(folder, run)


@pytest.mark.parametrize(
    ("models", "seeds", "said", "unsaid"),
    [
        (["gan", "vae"], (3,), "a gap counts only if it is far larger than the measured spread", "is not known"),
        (["gan", "cvae"], (3,), "the spread between trainings of such models is not known", "measured spread"),
        (["gan", "vae"], (3, 4), "Each model was trained from 2 seeds; numbers are means over", "trained once"),
    ],
)
def test_what_a_single_training_is_held_against_is_said(
    tmp_path: Path, models: list[str], seeds: tuple[int, ...], said: str, unsaid: str
) -> None:
    """The tables have the spread of gan and vae, but not of cvae."""
    text = text_of(render(read(tmp_path, models={name: {} for name in models}, seeds=seeds), TEMPLATES)["index.html"])
    assert said in text and unsaid not in text
    assert ("means over" in text) == ("With one seed there is no interval" not in text) == (len(seeds) > 1)


def rows_of(page: str, heading: str) -> list[list[str]]:
    """The cells of all rows in the section with such a heading."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    (found,) = (each for each in tree.iter("section") if each.get("aria-labelledby") == heading)
    return [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in found.iter("tr")]


def cells_of(page: str, kind: str) -> list[list[str]]:
    """The cells of all rows in the table of such a class; a score ends with a semicolon."""
    tree = html5lib.parse(page.replace("</span>", ";</span>"), namespaceHTMLElements=False)
    (found,) = (each for each in tree.iter("table") if each.get("class") == kind)
    return [[" ".join("".join(cell.itertext()).split()) for cell in row] for row in found.iter("tr")]


@pytest.mark.parametrize("which", ["results", "single"])
def test_the_verdicts_are_those_of_the_tables(which: str, request: pytest.FixtureRequest) -> None:
    """Both runs have the outcomes for which `site_results` chose its scores."""
    found: Results = request.getfixturevalue(which)
    page = render(found, TEMPLATES)["index.html"]
    scores = {
        "fidelity": {"fd_infinity_percent": ["gan", "gan"]},
        "coverage": {"clipped_coverage": ["gan", "gan"], "label_js": ["vae"]},
        "sharpness": {"sharpness_ratio": ["too close"], "spectrum_distance": ["too close"]},
        "likelihood": {"ink_nats": ["gan"], "student_nats": ["gan"]},
    }
    rows = found.verdicts.query("a == 'gan' and b == 'vae' and role == 'primary'")
    decided = rows["decided"].where(rows["decided"] != "", "too close").tolist()
    assert decided == [better for said in scores.values() for each in said.values() for better in each]

    def told(name: str, better: list[str]) -> str:
        spaces = [" (classifier)", " (random networks)"] if len(better) > 1 else [""]
        return f"{CATALOGUE[name].title}: {', '.join(map(''.join, zip(better, spaces, strict=True)))};"

    outcome = {"fidelity": "gan", "coverage": "a trade", "sharpness": "not separable", "likelihood": "gan"}
    assert [row[:3] for row in cells_of(page, "verdicts")[1:]] == [
        [QUESTIONS[question].title, f"{outcome[question]};", " ".join(told(*each) for each in said.items())]
        for question, said in scores.items()
    ]
    sentences = [
        f"gan is better than vae at {QUESTIONS['fidelity'].goal} and {QUESTIONS['likelihood'].goal}.",
        f"It is a trade at {QUESTIONS['coverage'].goal}: the primary scores disagree.",
        f"Neither is clearly better at {QUESTIONS['sharpness'].goal}.",
    ]
    assert " ".join(sentences) in text_of(page)


def test_a_primary_score_that_cannot_rank_is_not_said_to_decide(results: Results) -> None:
    rows = results.verdicts
    unfit = rows["metric"].eq("fd_infinity_percent") & rows["space"].eq("classifier")
    changed = rows.assign(
        decided=rows["decided"].mask(unfit, ""), unfit=rows["unfit"].mask(unfit, "prefers noise to real ones")
    )
    pages = render(dataclasses.replace(results, verdicts=changed), TEMPLATES)
    told = cells_of(pages["index.html"], "verdicts")[1][2]
    assert told.endswith("(%): not used, as it prefers noise to real ones (classifier), gan (random networks);")
    (pair,) = (row for row in rows_of(pages["compare.html"], "pairs") if row[0] == "gan and vae")
    assert pair[1] == "gan1 of 2 primary scores decided"


def test_scores_that_say_the_opposite_of_a_verdict_are_named_with_the_reason(
    results: Results, pages: dict[str, str]
) -> None:
    """Blurred images have a higher precision than real ones here; the two-sample test just disagrees."""
    found = cells_of(pages["index.html"], "verdicts")[1][3]
    count, *named = found.split("; ")
    supporting = results.verdicts.query("a == 'gan' and b == 'vae' and question == 'fidelity' and role == 'supporting'")
    assert count == f"{(supporting['decided'] == 'gan').sum()} of {len(supporting)} agree"
    assert named == [
        f"{CATALOGUE['c2st_accuracy'].title} points to vae",
        f"{CATALOGUE['precision'].title} points to vae, but it prefers blurred images to real ones",
    ]
    text = section(pages["scores.html"], "fidelity")
    assert f"Not used to rank in this run: {CATALOGUE['precision'].title} (classifier), which prefers" in text
    fit = dataclasses.replace(results, verdicts=results.verdicts.assign(unfit=""))
    assert "Not used to rank" not in text_of(render(fit, TEMPLATES)["scores.html"])


@pytest.fixture
def preferring(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue in which a score is known to prefer three corruptions."""
    prefers = ("blur_slight", "blur", "pca_50")
    changed = dataclasses.replace(CATALOGUE["bins_js"], sees=("distinct_100",), blind=(), prefers=prefers)
    monkeypatch.setitem(CATALOGUE, "bins_js", changed)


def test_what_a_score_is_known_to_prefer_is_told_where_it_says_the_opposite(preferring: None) -> None:
    rows = [
        ("coverage", "label_js", "primary", "x", "y", "x"),
        ("coverage", "bins_js", "supporting", "x", "y", "y"),
        ("coverage", "ndb", "supporting", "x", "y", "y"),
    ]
    found = said_of(rows).leading
    assert found
    known, other = found.verdicts[0].against
    assert other.reason == ""
    assert known.reason == (
        "is known to prefer a Gaussian blur of half a pixel and a Gaussian blur of one pixel to real images"
    )


def test_what_a_score_prefers_stands_among_the_methods(preferring: None, results: Results) -> None:
    tree = html5lib.parse(render(results, TEMPLATES)["methods.html"], namespaceHTMLElements=False)
    (article,) = (each for each in tree.iter("article") if each.get("id") == "metric-bins_js")
    listed = ["".join(each.itertext()) for each in article.iter("dd")]
    assert listed[-1] == (
        "a Gaussian blur of half a pixel; a Gaussian blur of one pixel; what 50 principal components keep of an image"
    )
    assert listed[-3:-1] == ["100 images, repeated", "nothing for certain"]


NONE = pd.DataFrame({"model": [], "gate": [], "passed": []})


def said_of(rows: Sequence[Sequence[str]], models: Sequence[str] = "xyz", basis: str = "") -> Comparison:
    """What is said of models by rows of question, metric, role, one model, another, the one that it points to."""
    columns = pd.Index(["question", "metric", "role", "a", "b", "points"])
    table = pd.DataFrame(rows, columns=columns).assign(space="", unfit="", basis=basis)
    return comparison(table.assign(decided=table["points"]), NONE, models, {})


@pytest.mark.parametrize("decided, outcome", [("ab", "a trade"), ("a-", "x"), ("-b", "y"), ("--", "not separable")])
def test_a_question_goes_to_the_model_that_wins_primary_scores_and_loses_none(decided: str, outcome: str) -> None:
    points = {"a": "x", "b": "y", "-": ""}
    rows = [("sharpness", "sharpness_ratio", "primary", "x", "y", points[each]) for each in decided]
    others = [("sharpness", "kd", "supporting", "x", "y", name) for name in ("x", "y", "y", "")]
    found = said_of([*rows, *others]).leading
    assert found and (found.first, found.second) == ("x", "y")
    (verdict,) = found.verdicts
    assert (verdict.outcome, verdict.supporting) == (outcome, 4)
    assert [test.points for test in verdict.primary] == [points[each] for each in decided]
    agree, against = {"x": (1, ["y", "y"]), "y": (2, ["x"])}.get(outcome, (0, []))
    assert verdict.agree == agree and [test.points for test in verdict.against] == against
    assert found.trades == ([verdict] if outcome == "a trade" else [])
    assert found.open == ([verdict] if outcome == "not separable" else [])
    assert found.won("x") == ([verdict] if outcome == "x" else [])


@pytest.mark.parametrize(
    "basis, by_draws",
    [(verdicts.SEEDS, False), (verdicts.SPREAD, False), (verdicts.DRAWS, True)],
)
def test_only_verdicts_by_draws_are_about_two_trainings(basis: str, by_draws: bool) -> None:
    found = said_of([("fidelity", "fd_infinity_percent", "primary", "x", "y", "x")], basis=basis).leading
    assert found and found.by_draws == by_draws


def test_the_leading_pair_is_the_papers_or_else_the_first() -> None:
    for models, pair in (("xyz", ("x", "y")), (["x", "vae", "gan"], ("vae", "gan")), (["x"], None)):
        found = said_of([], models).leading
        assert (found and (found.first, found.second)) == pair


def test_models_are_ordered_by_their_verdicts_and_ties_are_ranges() -> None:
    """z beats x, and y beats nobody and is beaten by nobody."""
    points = {"xy": "", "xz": "z", "yz": ""}
    rows = [("fidelity", "fd_infinity_percent", "primary", *pair, name) for pair, name in points.items()]
    rows += [("novelty", "copying", "test", *pair, "x") for pair in points]
    (order,) = said_of(rows).orders
    assert order.question == "fidelity"
    assert [(rank.model, rank.best, rank.worst) for rank in order.ranks] == [("z", 1, 2), ("y", 1, 3), ("x", 2, 3)]


def test_the_order_of_all_models_names_those_that_failed(results: Results, pages: dict[str, str]) -> None:
    rows = cells_of(pages["index.html"], "verdicts orders")
    assert rows == [
        [QUESTIONS["fidelity"].title, "1 gan · 2 vae"],
        [QUESTIONS["coverage"].title, "1–2 gan · 1–2 vae"],
        [QUESTIONS["sharpness"].title, "1–2 gan · 1–2 vae"],
        [QUESTIONS["likelihood"].title, "1 gan · 2 vae"],
        ["Not ranked", "gan_saturating: no better than noise"],
    ]
    assert "gan_saturating is no better than noise, and not ranked." in text_of(pages["scores.html"])
    passed = render(dataclasses.replace(results, gates=results.gates.assign(passed=True)), TEMPLATES)
    assert cells_of(passed["index.html"], "verdicts orders") == rows[:-1]
    assert "no better than noise" not in text_of(passed["index.html"]) + text_of(passed["scores.html"])


def altered_gates(results: Results, gate: str, *models: str) -> Results:
    """Results in which exactly these models fail a gate."""
    fails = (results.gates["gate"] == gate) & results.gates["model"].isin(models)
    passed = results.gates["passed"].mask(results.gates["gate"] == gate, True) & ~fails
    return dataclasses.replace(results, gates=results.gates.assign(passed=passed))


def test_a_model_that_does_not_beat_noise_is_said_not_to_be_compared(results: Results) -> None:
    apart = dataclasses.replace(results, verdicts=results.verdicts[:0], ranks=results.ranks[:0])
    one = render(altered_gates(apart, gates.NOISY, "vae"), TEMPLATES)
    assert "vae is no better than noise, so gan and vae are not compared. Neither fails" in text_of(one["index.html"])
    assert 'class="verdicts"' not in one["index.html"]
    both = render(altered_gates(apart, gates.NOISY, "gan", "vae"), TEMPLATES)
    sentence = "gan is no better than noise and vae is no better than noise, so gan and vae are not compared."
    assert sentence in text_of(both["index.html"])
    (pair,) = (row for row in rows_of(both["compare.html"], "pairs") if row[0] == "gan and vae")
    assert pair[1] == "not compared: gan and vae are no better than noise"


def test_copies_of_training_images_are_said_to_be(results: Results, pages: dict[str, str]) -> None:
    assert "Neither fails the test for copies of training images." in text_of(pages["index.html"])
    assert "Here every model passes." in section(pages["coverage.html"], "novelty")
    for models, said in ((["vae"], "vae fails"), (["gan", "vae"], "gan and vae fail")):
        changed = render(altered_gates(results, gates.COPYING, *models), TEMPLATES)
        assert f"{said} the test for copies of training images." in text_of(changed["index.html"])
        assert f"{said}. Nobody wins" in section(changed["coverage.html"], "novelty")
    another = render(altered_gates(results, gates.COPYING, "gan_saturating"), TEMPLATES)
    assert "Neither fails the test for copies" in text_of(another["index.html"])
    assert "gan_saturating fails. Nobody wins" in section(another["coverage.html"], "novelty")


def cost(seen: float, cpu: float, parameters: float, **config: int) -> dict[str, object]:
    return {"images_seen": seen, "cpu_seconds": cpu, "parameters": {"total": parameters}, "config": config}


def test_what_one_model_had_clearly_more_of_is_said() -> None:
    plain = cost(100, 40.0, 1000, latent=2)
    assert list(budgets("xy", [plain], [plain])) == []
    assert list(budgets("xy", [plain], [cost(124, 49.9, 1240, latent=2)])) == []
    assert list(budgets("xy", [plain], [cost(125, 10, 1000)])) == [  # without a code
        "x had 4 times the CPU time",
        "y had 1.2 times as many training images",
    ]
    assert list(budgets("xy", [plain], [cost(100, 40, 900_000, latent=128)])) == [
        "y had 900 times as many parameters and a code 64 times as long",
    ]
    seeds = [cost(100, 40, 1000), cost(100, 120, 1000)]  # a mean of 80
    assert list(budgets("xy", [plain], seeds)) == ["y had 2 times the CPU time"]


def test_budgets_that_differ_are_told_beside_the_verdict(results: Results, pages: dict[str, str]) -> None:
    said = "The budgets were not equal: gan had 8 times as many training images, 7.9 times the CPU time, "
    assert said in text_of(pages["index.html"])
    alike = dataclasses.replace(results, training=dict.fromkeys(results.training, results.training["vae"]))
    changed = render(alike, TEMPLATES)
    assert "budgets were not equal" not in text_of(changed["index.html"])
    assert {row[-1] for row in rows_of(changed["compare.html"], "pairs")[1:]} == {"alike"}


def test_scores_are_those_of_the_summary(results: Results, pages: dict[str, str]) -> None:
    page = pages["scores.html"]
    rows = [row for question in QUESTIONS for row in rows_of(page, question)]
    summary = results.summary.set_index(["model", "set", "metric", "space"])["value"].to_dict()
    for name, title in {"gan": "gan", "noise": "uniform noise"}.items():
        shown = [cell.split(" ")[0] for row in rows if row[0] == title for cell in row[1:]]
        kinds = {"features": ("classifier", "random"), "pixels": ("pixels",), "labels": ("",)}
        expected = [
            number(summary[key], "score") if (key := (name, "images", metric.name, space)) in summary else "–"
            for metric in measured(results)
            for space in kinds[metric.space]
        ]
        assert expected.count("–") == (name == "noise")  # only models have a log-probability
        assert [
            re.split(r"±|, | to ", cell)[0][: len(value)] for cell, value in zip(shown, expected, strict=True)
        ] == expected
    assert [row[0] for row in rows if len(row) > 1].count("vae, pixels drawn") == len(QUESTIONS)


def measured(results: Results) -> list[Metric]:
    """The metrics of which the run has a score: it has no model of grey levels."""
    found = [metric for metric in CATALOGUE.values() if metric.name in set(results.metrics["metric"])]
    assert {*CATALOGUE} - {metric.name for metric in found} == {"level_nats"}
    return found


def test_primary_scores_are_marked_in_the_tables(results: Results, pages: dict[str, str]) -> None:
    tree = html5lib.parse(pages["scores.html"], namespaceHTMLElements=False)
    heads = ["".join(each.itertext()) for each in tree.iter("th") if each.get("scope") in ("col", "colgroup")]
    assert not any(CATALOGUE["level_nats"].title in head for head in heads)
    for metric in measured(results):
        assert (f"{metric.title}primary" in heads) == (metric.role == "primary") == (metric.title not in heads)


def test_the_overview_has_the_first_score_of_each_question(pages: dict[str, str]) -> None:
    shown = {row[0]: row[1:] for row in rows_of(pages["index.html"], "scores")[2:]}
    for place, question in enumerate(QUESTIONS):
        whole = {row[0]: row[1:] for row in rows_of(pages["scores.html"], question)}
        for name in ("gan", "vae", "real test images", "uniform noise"):
            assert shown[name][place] in whole[name]


def test_side_by_side_has_every_score_and_every_pair(results: Results, pages: dict[str, str]) -> None:
    page = pages["compare.html"]
    rows = rows_of(page, "scored")
    scores = [row for row in rows[1:] if len(row) > 1]
    assert rows[0] == ["Score", "Real images", "gan", "gan_saturating", "vae"]
    of_gan = [row for question in QUESTIONS for row in rows_of(pages["scores.html"], question)]
    assert [row[2] for row in scores] == [cell for row in of_gan if row[0] == "gan" for cell in row[1:]]
    heads, *pairs = rows_of(page, "pairs")
    assert heads == ["Pair", *(QUESTIONS[each].title for each in CONCERNS), "Budgets"]
    noise = "not compared: gan_saturating is no better than noise"
    expected = {
        "gan and gan_saturating": [noise],
        "gan and vae": ["gan2 of 2", "a trade3 of 3", "not separable0 of 2", "gan2 of 2"],
        "gan_saturating and vae": [noise],
    }
    assert [row[0] for row in pairs] == list(expected)
    for pair, *cells, told in pairs:
        ending = "" if expected[pair] == [noise] else " primary scores decided"
        assert cells == [f"{each}{ending}" for each in expected[pair]]
        a, _, b = pair.partition(" and ")
        assert told == "; ".join(budgets((a, b), *(results.training[name] for name in (a, b))))


def test_ties_are_grey_and_a_sole_winner_bold(single: Results) -> None:
    def marks(ranks: list[tuple[str, int]]) -> list[str | None]:
        table = pd.DataFrame(ranks, columns=pd.Index(["model", "best"])).assign(
            metric="kd", space="classifier", worst=3
        )
        page = render(dataclasses.replace(single, ranks=table), TEMPLATES)["scores.html"]
        tree = html5lib.parse(page, namespaceHTMLElements=False)
        return [cell.get("class") for cell in tree.iter("td") if cell.get("class") in ("best", "tied")]

    assert marks([("gan", 1), ("gan_saturating", 1), ("vae", 3)]) == ["tied", "tied"]
    assert marks([("gan", 1), ("gan_saturating", 2), ("vae", 2)]) == ["best"]
    assert marks([("gan", 1)]) == []


def test_every_metric_is_explained_and_linked_where_it_was_measured(results: Results, pages: dict[str, str]) -> None:
    tree = html5lib.parse(pages["methods.html"], namespaceHTMLElements=False)
    articles = {each.get("id"): each for each in tree.iter("article")}
    assert list(articles) == [f"metric-{name}" for name in CATALOGUE]
    for name, metric in CATALOGUE.items():
        text = " ".join("".join(articles[f"metric-{name}"].itertext()).split())
        assert metric.title in text and metric.source in text and direction(metric) in text
        assert all(CORRUPTIONS[corruption] in text for corruption in (*metric.sees, *metric.blind, *metric.prefers))
        assert ("Prefers to real images" in text) == bool(metric.prefers)
        assert [role for role, words in ROLES.items() if f"; {words}" in text] == [metric.role]
        assert ("not tested on corrupted images" in text) == (not metric.sees)
        assert any(each.tag.endswith("math") for each in articles[f"metric-{name}"].iter())
        assert (f'href="methods.html#metric-{name}"' in pages["scores.html"]) == (metric in measured(results))


def test_the_networks_of_the_features_are_named_with_their_digests(results: Results, pages: dict[str, str]) -> None:
    rows = rows_of(pages["methods.html"], "protocol")
    first = rows.index(["Space", "Digest of the weights"])
    assert rows[first + 1 :] == [[space.replace("_", " "), digest] for space, digest in site_results.DIGESTS.items()]


def test_how_reliable_verdicts_are_stands_beside_the_rule_with_its_tables(
    results: Results, pages: dict[str, str], site: Path, run: Path
) -> None:
    rows = rows_of(pages["methods.html"], "protocol")
    stability = rows.index(["Verdict", "Seeds", "Most frequent answer", "Comparisons that agree"]) + 1
    errors = rows.index(["Question", "True difference", "Seeds", "Rightly", "Wrongly"]) + 1
    assert rows[stability : errors - 1] == [
        ["Do they look real?", "1", "gan", "38 of 40"],
        ["Is all of the data there?", "1", "a trade", "31 of 40"],
        ["Are they as sharp?", "5", "not separable", "8 of 8"],
        ["Test of gan against noise", "1", "passes", "40 of 40"],
    ]
    assert rows[errors : errors + len(site_results.ERROR_RATES)] == [
        ["Do they look real?", "none", "1", "–", "3.1 %"],
        ["Do they look real?", "a Gaussian blur of half a pixel", "3", "94.2 %", "0.1 %"],
        ["Is all of the data there?", "one class left out", "5", "100.0 %", "0.0 %"],
    ]
    for name in REFERENCES:
        assert f"data/{name}" in results.data and f'href="data/{name}"' in pages["methods.html"]
        assert (site / "data" / name).read_bytes() == (run / "reference" / name).read_bytes()


def test_the_sensitivity_check_is_shown_with_what_it_found_otherwise(
    results: Results, single: Results, pages: dict[str, str]
) -> None:
    page = pages["methods.html"]
    assert 'src="figures/comparison/sensitivity.svg"' in page
    assert rows_of(page, "sensitivity")[1:] == [
        [CATALOGUE["fd_percent"].title, "classifier", CORRUPTIONS["copies"], "blind", "prefers"],
        [CATALOGUE["kd"].title, "classifier", CORRUPTIONS["blur_slight"], "sees", "blind"],
    ]
    assert results.sensitivity is not None
    said = results.sensitivity["declared"]
    as_said = dataclasses.replace(results, sensitivity=results.sensitivity.assign(found=said.replace("", "edge")))
    assert "Nowhere does this run contradict" in text_of(render(as_said, TEMPLATES)["methods.html"])
    without = render(single, TEMPLATES)["methods.html"]
    assert "sensitivity.svg" not in without and "Nowhere does" not in text_of(without)
    assert 'aria-labelledby="sensitivity"' not in without


def test_claims_are_told_with_their_number_and_verdict(results: Results, pages: dict[str, str]) -> None:
    page = pages["paper.html"]
    rows = rows_of(page, "claims")
    assert [row[2] for row in rows[1:]] == ["1.00 ×0.81 to 1.19", "12.0 %11.2 % to 12.8 %", "–"]
    assert [row[1].partition(".")[0] for row in rows[1:]] == [
        "supportedSharper than real images is not better",
        "refuted",
        "not decided by this runNothing was tuned here",
    ]
    assert "With fairer models" in rows[0]
    plain = dataclasses.replace(results, claims=results.claims.assign(survives=""))
    assert "With fairer models" not in rows_of(render(plain, TEMPLATES)["paper.html"], "claims")[0]


def test_kinds_of_images_are_set_against_real_ones(results: Results, pages: dict[str, str]) -> None:
    rows = rows_of(pages["models/vae.html"], "labels")
    values = results.summary[results.summary["set"] == "images"].set_index(["model", "metric"])["value"]
    unsure, unlike = ("conformal_ambiguous", "conformal_unlike")
    here, real = ([values[name, metric] for metric in (unsure, unlike)] for name in ("vae", TEST))
    gaps = (1 - sum(here), 1 - sum(real)), *zip(here, real, strict=True)
    assert rows[1:] == [
        [
            kind,
            *(number(share, "%").replace("\u202f", " ") for share in shares),
            f"{100 * (shares[0] - shares[1]):+.1f} points".replace("-", "−"),
        ]
        for kind, shares in zip(("clear", "ambiguous", "unlike any class"), gaps, strict=True)
    ]
    without = results.summary[results.summary["metric"] != unlike]
    page = render(dataclasses.replace(results, summary=without), TEMPLATES)["models/vae.html"]
    assert rows_of(page, "labels") == []


def test_draws_are_averaged_before_seeds() -> None:
    row = {"model": "gan", "set": "images", "space": None, "lower": 0.1, "upper": 0.9, "n": 100, "digest": None}
    shares = [(0, 0, 0.1), (0, 1, 0.3), (1, 0, 0.6)]
    listed = [{**row, "metric": "share", "label": 7, "seed": s, "draw": d, "value": v} for s, d, v in shares]
    listed += [{**row, "metric": "confidence", "seed": s, "draw": d, "value": v} for s, d, v in shares]
    table = pd.DataFrame(listed)
    assert Measured(table).by_seed("gan", "confidence") == pytest.approx({0: 0.2, 1: 0.6})

    def share(rows: pd.DataFrame) -> tuple:
        cell = Measured(rows).share("gan", 7)
        return (cell.value, cell.low, cell.high) if cell else ()

    assert share(table) == pytest.approx((0.4, 0.2, 0.6))
    assert share(table[table["seed"] == 0]) == pytest.approx((0.2, 0.1, 0.3))
    assert share(table[table["seed"] == 1]) == pytest.approx((0.6, 0.1, 0.9))
    assert Measured(table).share("gan", 8) is None


def test_a_number_without_an_interval_shows_how_far_its_draws_lie_apart() -> None:
    at = {"model": "gan", "set": "images", "metric": "kd", "space": "classifier", "value": 1.0}
    several, one, still = (
        {"lower": 0.5, "upper": 1.5, "sd_draws": 0.1},
        {"lower": None, "upper": None, "sd_draws": 0.1},
        {},
    )

    def cell(numbers: dict) -> Cell | None:
        columns = pd.DataFrame([numbers], columns=pd.Index(["lower", "upper", "sd_draws"]), dtype=float)
        return Summary(columns.assign(**at)).cell("gan", "kd")

    assert cell(several) == Cell(1.0, 0.5, 1.5)
    assert cell(one) == Cell(1.0, sd=0.1)
    assert cell(still) == cell({"lower": 1.0, "upper": 1.0}) == Cell(1.0)


@pytest.mark.parametrize(
    "having, chosen",
    [
        ({"label_distance": ["gan", "cgan"], "label_js": ["gan", "cgan"]}, "label_js"),  # primary
        ({"label_distance": ["gan", "cgan"], "label_js": ["gan"]}, "label_distance"),
        ({"label_fidelity": ["cgan"], "ambiguous": ["gan", "cgan"], "disagreement": ["gan", "cgan"]}, "ambiguous"),
        ({"label_fidelity": ["gan", "cgan"], "ambiguous": ["gan", "cgan"]}, "label_fidelity"),
        ({"label_fidelity": ["cgan"], "ambiguous": ["gan"]}, "label_fidelity"),
    ],
)
def test_the_first_page_has_scores_that_all_models_have(having: dict[str, list[str]], chosen: str) -> None:
    rows = [{"model": model, "metric": metric} for metric, models in having.items() for model in models]
    table = pd.DataFrame(rows).assign(
        set="images", space=home("label_distance"), value=1.0, lower=None, upper=None, sd_draws=0.0
    )
    ranks = table[["metric", "space", "model"]].assign(best=1)
    assert [metric.name for metric in headlines(Summary(table), ranks, ["gan", "cgan"]).columns] == [chosen]


def test_every_question_has_its_words() -> None:
    assert list(QUESTIONS) == list(get_args(Question))
    assert [question for question, asked in QUESTIONS.items() if asked.goal] == list(CONCERNS)
    assert list(ROLES) == list(get_args(Role))


@pytest.mark.parametrize("count", [1, 2, 15])
def test_any_number_of_models_reads_well(tmp_path: Path, count: int) -> None:
    pages = render(read(tmp_path, models=family_of(count), seeds=(0,)), TEMPLATES)
    assert len([path for path in pages if path.startswith("models/")]) == count
    text = text_of(pages["index.html"])
    finding = text[text.index("Real test images have a") : text.index("A sharpness above 1")]
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
    return paper_page(run_of(results), model_views(results), results.claims).tables


def section(page: str, heading: str) -> str:
    """The text of the section with such a heading."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    (found,) = (each for each in tree.iter("section") if each.get("aria-labelledby") == heading)
    return " ".join("".join(found.itertext()).split())


def test_every_alarm_of_every_seed_is_listed_with_the_rules(pages: dict[str, str]) -> None:
    page = pages["models/gan_saturating.html"]
    rows = [
        ["".join(cell.itertext()) for cell in row]
        for row in html5lib.parse(page, namespaceHTMLElements=False).iter("tr")
    ]
    start = rows.index(["Seed", "Alarm", "From step", "To step", "Values"]) + 1
    assert [row[:4] for row in rows[start : start + 3]] == [
        ["0", "vanishing gradient", "94", "468, the end"],
        ["0", "frozen generator", "235", "328"],
        ["1", "vanishing gradient", "94", "468, the end"],
    ]
    assert rows[start + 1][4] == "moved 0.0043, slope of the loss -7.5e-09"
    text = section(page, "health")
    assert "Of the 5 rules that detect a failing training run, 2 fired." in text
    assert "vanishing gradient (step 94 to 468) and frozen generator (step 235 to 328)" in text
    for rule in RULES:
        assert " ".join((rule.__doc__ or "").split()) in text


def test_a_training_without_alarms_says_so_for_every_seed(tmp_path: Path, pages: dict[str, str]) -> None:
    text = section(pages["models/vae.html"], "health")
    assert "None of the 5 rules that detect a failing training run fired in any of its 2 seeds." in text
    one = section(render(read(tmp_path, seeds=(3,)), TEMPLATES)["models/vae.html"], "health")
    assert "fired in its one seed." in one
    assert "No alarm fired in this seed" in text and "fresh discriminator" not in text


def test_a_model_with_alarms_is_marked_in_the_table_and_on_the_first_screen(
    results: Results, pages: dict[str, str]
) -> None:
    page = pages["index.html"]
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


def test_the_paper_page_gives_the_measured_finding(tmp_path: Path, pages: dict[str, str]) -> None:
    text = section(pages["paper.html"], "figures-3-4")
    assert "vanishing gradient (in 2 of 2 seeds, from step 94 to the end) and frozen generator (in 1 of 2" in text
    assert text.count("fell by 4.0 to 4.3 orders of magnitude in 150 steps") == 2  # of gan too
    assert text.count("rose by 2.0 orders of magnitude") == 2
    without = render(read(tmp_path, models={"gan": {}, "vae": {}}), TEMPLATES)["paper.html"]
    assert "orders of magnitude" not in section(without, "figures-3-4")


def test_the_page_tells_of_the_experiments_that_the_discriminator_won(results: Results, pages: dict[str, str]) -> None:
    """As the claim does; of all experiments where it won none."""
    text = section(pages["models/gan.html"], "health")
    assert "fell by 4.0 to 4.3 orders" in text and " won" not in text
    one, other = results.experiments["gan"]

    def said(*experiments: pd.DataFrame) -> str:
        changed = {**results.experiments, "gan": list(experiments)}
        altered = render(dataclasses.replace(results, experiments=changed), TEMPLATES)
        assert " won" not in section(altered["models/gan_saturating.html"], "health")
        return section(altered["models/gan.html"], "health")

    lost = other.assign(D_fake=0.48)
    some = said(one, lost)
    assert "fell by 4.0 orders" in some and "in the 1 of 2 experiments that the discriminator won" in some
    none = said(one.assign(D_fake=0.01), lost)
    assert "fell by 4.0 to 4.3 orders" in none and "no discriminator won in that time" in none


def test_a_model_that_is_not_trained_step_by_step_has_no_such_section(results: Results) -> None:
    fitted = dataclasses.replace(results, alarms={n: t for n, t in results.alarms.items() if n != "vae"})
    pages = render(fitted, TEMPLATES)
    assert 'id="health"' not in pages["models/vae.html"] and 'id="health"' in pages["models/gan.html"]


def test_live_code_is_the_familys_own(pages: dict[str, str]) -> None:
    page = text_of(pages["paper.html"])
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
        claims=hostile.claims.assign(**dict.fromkeys(("claim", "section", "measure", "rule", "unit", "note"), MARKUP)),
    )
    for path, page in render(altered, TEMPLATES).items():
        assert MARKUP not in page and "<script>" not in page
        assert text_of(page).count(MARKUP) >= 2, f"{path} should show the text {MARKUP}"
        assert not html5lib.parse(page, namespaceHTMLElements=False).findall(".//b")
    shown = rows_of(render(altered, TEMPLATES)["paper.html"], "claims")[1:]
    assert ["".join(row).count(MARKUP) for row in shown] == [6, 6, 5]  # no unit without a number
    everything = altered.claims.assign(verdict=MARKUP, survives=MARKUP)
    page = render(dataclasses.replace(altered, claims=everything), TEMPLATES)["paper.html"]
    assert MARKUP not in page and not html5lib.parse(page, namespaceHTMLElements=False).findall(".//b")


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
    assert number(912_345_678, "bytes") == "0.91\u202fGB"
    values = (0, 1, 0.1, 12.34, 9.996, 999.6, 1234567, 0.0123, 0.00123, 0.00004, -0.5)
    shown = ["0", "1.00", "0.100", "12.3", "10.0", "1,000", "1,234,567", "0.0123", "0.0012", "4.0 · 10⁻⁵", "−0.500"]
    assert [number(v, "score").replace("\u202f", " ") for v in values] == shown
    assert number(-0.0213, "%") == "−2.1\u202f%"
    assert number(-0.0213, "points") == "−2.1\u202fpoints"
    assert [setting(v) for v in (0.0002, [0, 1], True, None)] == ["0.0002", "0, 1", "yes", "not set"]


def test_orders_of_magnitude_say_which_way() -> None:
    assert orders([4.66]) == "fell by 4.7 orders of magnitude"
    assert orders([4.5, 3.96]) == "fell by 4.0 to 4.5 orders of magnitude"
    assert orders([-2.0, -1.5]) == "rose by 1.5 to 2.0 orders of magnitude"
    assert orders([0.01, -0.6]) == "rose by 0.0 to 0.6 orders of magnitude"
    assert orders([-1.0, 0.5]) == "went from a fall by 0.5 to a rise by 1.0 orders of magnitude, by seed"


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


def test_what_the_converter_does_not_know_is_written_otherwise() -> None:
    assert formula(r"\arg\max_y p") == formula(r"\operatorname{arg}\max_y p")
    assert formula(r"p\Bigm\|q") == formula(r"p\parallel q") and formula(r"p\bigm|q") == formula(r"p\mid q")


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
        loaded(tmp_path, params)


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


def test_pages_are_accessible_quiet_and_self_contained(browser: Browser, site: Path) -> None:
    """In light; in the dark and on a phone the same pages are tried as one file."""
    with browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        complaints = complaints_of(page)
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("request", lambda request: complaints.extend(outside(request.url, site)))
        for path in sorted(site.rglob("*.html")):
            open_whole(page, path.resolve().as_uri())
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            complaints += [f"{path.name}: {found}" for found in violations(page)]
    assert not complaints


def outside(url: str, site: Path) -> list[str]:
    return [] if url.startswith(site.resolve().as_uri() + "/") else [f"outside the site: {url}"]


def test_two_models_are_chosen_by_keyboard_and_by_address(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    address = (site / "compare.html").resolve().as_uri()

    def shown() -> tuple[list[str], int]:
        heads = page.locator(".sideways thead th[data-model]:visible").all_inner_texts()
        assert page.locator(".grids > div:visible").count() == len(heads)
        return heads, page.locator("tr[data-pair]:visible").count()

    page.goto(address)
    assert shown() == (["gan", "vae"], 1)
    page.focus("select[name=second]")
    page.keyboard.press("ArrowUp")
    assert shown() == (["gan", "gan_saturating"], 1)
    assert page.get_by_role("status").inner_text() == "gan beside gan_saturating."
    page.keyboard.press("ArrowUp")
    assert shown() == (["gan"], 0) and "two different" in page.get_by_role("status").inner_text()
    page.goto("about:blank")
    page.goto(f"{address}?first=vae&second=gan_saturating")
    assert shown() == (["gan_saturating", "vae"], 1)
    page.close()


def test_without_scripts_nothing_is_lost(browser: Browser, site: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / "compare.html").resolve().as_uri())
        assert page.locator(".sideways thead th[data-model]:visible").count() == 3
        assert page.locator("tr[data-pair]:visible").count() == 3
        assert page.locator("form:visible").count() == 0


def test_scores_are_sorted_by_a_column_and_back(browser: Browser, site: Path, results: Results) -> None:
    page = browser.new_page()
    page.goto((site / "scores.html").resolve().as_uri())
    table = page.locator("table[aria-labelledby=sharpness]")

    def column() -> list[float]:
        cells = table.locator("tbody >> nth=0").locator("tr td:nth-child(2)")
        return [float(cell.get_attribute("data-value") or "nan") for cell in cells.all()]

    before = column()
    button = table.get_by_role("button").first
    button.focus()
    page.keyboard.press("Enter")
    assert column() == sorted(before) != before
    page.keyboard.press("Enter")
    assert column() == sorted(before, reverse=True)
    assert table.locator("[aria-sort=descending]").count() == 1
    page.close()


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
            open_whole(page, path.resolve().as_uri())
            page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= 360, f"{path.name} is {width} px wide on a phone of 360"


def rewrite_golden() -> None:
    """Make the golden pages what the report says now."""
    with tempfile.TemporaryDirectory() as folder:
        pages = render(read(Path(folder)), TEMPLATES)
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, page in pages.items():
        (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    rewrite_golden()
