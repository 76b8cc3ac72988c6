"""docs/extending.md, followed to the letter in one clone of the toy project."""

import re
import textwrap

import pandas as pd
import pytest
from conftest import ROOT
from workspace import SNAKEMAKE, Workspace

TRAINING = "from pipeline.report.pages.training"
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")


def section(title: str) -> str:
    """Return the text below a heading."""
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def blocks(title: str) -> list[str]:
    """Return the code blocks below a heading, in order."""
    found = re.findall(r"^ *```\w+\n(.*?)^ *```$", section(title), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in found]


def quoted(title: str, pattern: str) -> str:
    """Return what the page quotes at a place."""
    match = re.search(pattern, section(title))
    assert match, f"docs/extending.md should say {pattern} below {title}"
    return match[1]


@pytest.fixture(scope="module")
def project(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return finished.cloned(tmp_path_factory.mktemp("extending") / "clone")


def write(project: Workspace, path: str, text: str) -> None:
    (project.folder / path).write_text(text, "utf-8")


def edit(project: Workspace, path: str, *pairs: tuple[str, str]) -> None:
    """Replace texts of a file, each of which must be there."""
    text = (project.folder / path).read_text("utf-8")
    for old, new in pairs:
        assert old in text, f"{path} should hold {old!r}"
        text = text.replace(old, new, 1)
    write(project, path, text)


def test_a_figure_and_a_page_are_added_as_the_page_says(project: Workspace) -> None:
    figure, stage, rule, shown = blocks("Add a figure")
    write(project, quoted("Add a figure", r"Write `(pipeline/figures/\w+\.py)`"), figure)
    write(project, quoted("Add a figure", r"stage `(pipeline/stages/\w+\.py)`"), stage)
    plots = (project.folder / "rules" / "plot.smk").read_text("utf-8")
    write(project, "rules/plot.smk", f"{plots}\n\n{rule}")
    output = quoted("Add a figure", r"`(Output\(.*?\),)`")
    name, title = quoted("Add a page", r'`"(\w+": "\w+)",`').split('": "')
    edit(
        project,
        "pipeline/core/outputs.py",
        ("OUTPUTS = (\n", f"OUTPUTS = (\n    {output}\n"),
        ('    "scores": "Scores",\n', f'    "scores": "Scores",\n    "{name}": "{title}",\n'),
    )
    edit(project, "site_templates/index.html.jinja", ("{% block content %}\n", f"{{% block content %}}\n{shown}\n"))

    page, template = blocks("Add a page")
    write(project, quoted("Add a page", r"Write `(pipeline/report/pages/\w+\.py)`"), page)
    write(project, quoted("Add a page", r"Write `(site_templates/\S+)`"), template)
    entry = quoted("Add a page", r"`(\"sizes\": lambda: .*?,)`")
    edit(
        project,
        "pipeline/report/site.py",
        ("    shown = {\n", f"    shown = {{\n        {entry}\n"),
        ("from pipeline.report.pages.training", f"from pipeline.report.pages.{name} import {name}_page\n{TRAINING}"),
    )
    assert project.planned() == {"plot_brightness": 1, "render": 1, "all": 1}
    project.run(*SNAKEMAKE)
    site = project.folder / "site"
    assert "<svg" in (site / "figures" / "comparison" / "brightness.svg").read_text("utf-8")
    assert 'src="figures/comparison/brightness.svg"' in (site / "index.html").read_text("utf-8")
    listed = (site / f"{name}.html").read_text("utf-8")
    assert "<li>vae: 1,068,820</li>" in listed and f'href="{name}.html"' in (site / "index.html").read_text("utf-8")
    assert project.is_clean()


def test_a_stage_is_run_by_hand_as_the_page_says(project: Workspace) -> None:
    file = project.folder / "results" / "samples" / "vae" / "0.npz"
    made = file.read_bytes()
    printed = project.run(*quoted("Run one stage by hand", r"`(snakemake .*?)`").split())
    command = re.search(r"^ *(python -m pipeline\.stages\.sample .*?) +2>", printed, re.MULTILINE | re.DOTALL)
    assert command, printed
    file.unlink()
    project.run("bash", "-c", command[1])
    assert file.read_bytes() == made
    assert "--samples-file" in project.run(*quoted("Run one stage by hand", r"`(python -m .*? --help)`").split())


def test_a_metric_is_added_as_the_page_says(project: Workspace) -> None:
    metric, score = blocks("Add a metric")
    write(project, quoted("Add a metric", r"Write `(pipeline/metrics/\w+\.py)`"), metric)
    edit(
        project,
        "pipeline/metrics/catalogue.py",
        ("    likelihood,\n    neighbours,\n", "    likelihood,\n    mean_gap,\n    neighbours,\n"),
        ("*(frechet, kernel,", "*(mean_gap, frechet, kernel,"),
    )
    edit(
        project,
        "pipeline/evaluation/scores.py",
        ("from pipeline.metrics import bins,", "from pipeline.metrics import mean_gap, bins,"),
        ("FEATURE_SCORES = (", f"{score}\n\nFEATURE_SCORES = (means, "),
    )
    project.run(*SNAKEMAKE, "results/scores/vae/0.csv")
    scores = pd.read_csv(project.folder / "results" / "scores" / "vae" / "0.csv")
    rows = scores[scores["metric"] == "mean_gap"]
    assert set(rows["space"]) == {"classifier", "random_1"} and (rows["value"] > 0).all()
    said = project.run("python", "-c", "from pipeline.metrics.catalogue import CATALOGUE; print(CATALOGUE['mean_gap'])")
    assert "Distance of the mean features" in said
