"""The report: results in, HTML out. It reads no results, computes no metrics and imports no torch."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.report.health import RULES
from pipeline.report.measures import RULERS, SPACES
from pipeline.report.methods import methods_page
from pipeline.report.numbers import number, orders, setting
from pipeline.report.paper import paper_page
from pipeline.report.prose import formula
from pipeline.report.results import Results
from pipeline.report.views import index_page, model_views


def render(results: Results, templates: Path) -> dict[str, str]:
    """Every page of the site: its path from the site's root, and its text.

    Raises:
        ValueError: a formula in a family's docstring cannot be set.
    """
    environment = prepare(templates)
    models = model_views(results)
    index = index_page(results, models)
    title, made = results.params.report.title, results.provenance
    site = {"title": title, "made": made, "models": models, "run": index.run}

    def page(template: str, here: str, **shown: Any) -> str:
        place = {"here": here, "root": "../" * here.count("/")}
        return environment.get_template(template).render(site=site, **place, **shown)

    pages = {
        "index.html": page("index.html.jinja", "index.html", page=index),
        "paper.html": page("paper.html.jinja", "paper.html", page=paper_page(index.run, models, results.claims)),
        "methods.html": page("methods.html.jinja", "methods.html", page=methods_page(results)),
    }
    for model, before, after in zip(models, [None, *models], [*models[1:], None], strict=False):
        shown = {"model": model, "before": before, "after": after, "rules": RULES}
        pages[f"models/{model.name}.html"] = page("model.html.jinja", f"models/{model.name}.html", **shown)
    return pages


def prepare(templates: Path) -> Environment:
    """Jinja as all pages use it: everything escaped, nothing undefined."""
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"number": number, "orders": orders, "setting": setting}
    environment.globals |= {"formula": formula, "SPACES": SPACES, "RULERS": RULERS}
    return environment
