"""Render the site: results in, HTML out. This module reads no results, computes no metrics and imports no torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.analysis.gates import MATTERS, NEAREST
from pipeline.core.names import SHOWN, TEST
from pipeline.core.outputs import pages
from pipeline.metrics.base import CORRUPTIONS
from pipeline.report.formatting import number, orders, setting
from pipeline.report.inputs import Results
from pipeline.report.markdown import formula
from pipeline.report.pages.compare import compare_page
from pipeline.report.pages.completion import completion_page
from pipeline.report.pages.coverage import coverage_page
from pipeline.report.pages.index import index_page, run_of
from pipeline.report.pages.labels import labels_page
from pipeline.report.pages.latent import latent_page
from pipeline.report.pages.likelihood import likelihood_page
from pipeline.report.pages.methods import methods_page
from pipeline.report.pages.model import Source, cells_of, figures_of, model_views
from pipeline.report.pages.paper import paper_page
from pipeline.report.pages.provenance import provenance_page
from pipeline.report.pages.training import training_page
from pipeline.report.pairwise import comparison
from pipeline.report.score_tables import score_tables
from pipeline.report.training_health import RULES
from pipeline.report.wording import QUESTIONS, ROLES, SPACES


@dataclass(frozen=True)
class Page:
    """Describe a page of the site: its name as a file and as a template, its title in the navigation, its content."""

    name: str
    title: str
    shown: Any

    @property
    def path(self) -> str:
        """Return its path from the site's root."""
        return f"{self.name}.html"


def render(results: Results, templates: Path) -> dict[str, str]:
    """Return every page of the site: its text by its path from the site's root.

    Raises:
        ValueError: a formula in a family's docstring cannot be converted.
    """
    environment = prepare(templates)
    summary = results.scores
    models = model_views(results)
    real = Source(TEST, None, figures_of(results, TEST), cells_of(summary, TEST))
    run = run_of(results)
    names = list(results.params.models)
    scores = score_tables(summary, results.ranks, results.verdicts, names)

    shown = {
        "index": lambda: index_page(results, models, real),
        "scores": lambda: scores,
        "compare": lambda: compare_page(scores),
        "labels": lambda: labels_page(results),
        "training": lambda: training_page(results),
        "latent": lambda: latent_page(results),
        "coverage": lambda: coverage_page(results),
        "likelihood": lambda: likelihood_page(results),
        "completion": lambda: completion_page(results),
        "paper": lambda: paper_page(run, models, results.claims),
        "methods": lambda: methods_page(results),
        "provenance": lambda: provenance_page(results),
    }
    listed = [Page(name, title, shown[name]()) for name, title in pages(results.params).items()]
    site = {
        "title": results.params.report.title,
        "pages": listed,
        "models": models,
        "real": real,
        "figures": figures_of(results, "comparison"),
        "run": run,
        "compared": comparison(results.verdicts, results.gates, names, results.training),
        "made": results.provenance,
    }

    def filled(template: str, here: str, **shown: Any) -> str:
        place = {"here": here, "root": "../" * here.count("/")}
        return environment.get_template(f"{template}.html.jinja").render(site=site, **place, **shown)

    def all_pages() -> Iterator[tuple[str, str]]:
        for page in listed:
            yield page.path, filled(page.name, page.path, page=page.shown)
        for model, before, after in zip(models, [None, *models], [*models[1:], None], strict=False):
            here = f"models/{model.name}.html"
            yield here, filled("model", here, model=model, before=before, after=after, rules=RULES)

    return dict(all_pages())


def prepare(templates: Path) -> Environment:
    """Return the Jinja environment of all pages: it escapes everything, and undefined names are errors."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "orders": orders, "setting": setting}
    environment.globals |= {
        "formula": formula,
        "SPACES": SPACES,
        "BASELINES": SHOWN,
        "ROLES": ROLES,
        "QUESTIONS": QUESTIONS,
        "CORRUPTIONS": CORRUPTIONS,
        "MATTERS": MATTERS,
        "NEAREST": NEAREST,
    }
    return environment
