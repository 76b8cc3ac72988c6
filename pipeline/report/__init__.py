"""The report: results in, HTML out. It reads no results, computes no metrics and imports no torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.report.comparison import compare_page
from pipeline.report.coverage import coverage_page
from pipeline.report.duel import duels
from pipeline.report.health import RULES
from pipeline.report.labels import labels_page
from pipeline.report.latent import latent_page
from pipeline.report.measures import RULERS, SPACES
from pipeline.report.methods import methods_page
from pipeline.report.numbers import number, orders, setting
from pipeline.report.origin import origin_page
from pipeline.report.overview import overview, run_of
from pipeline.report.paper import paper_page
from pipeline.report.prose import formula
from pipeline.report.results import REAL, Results
from pipeline.report.scores import Summary, score_tables
from pipeline.report.training import training_page
from pipeline.report.views import Source, cells_of, figures_of, model_views


@dataclass(frozen=True)
class Page:
    """A page of the site: its name as a file and as a template, its title in the navigation, what it shows."""

    name: str
    title: str
    shown: Any

    @property
    def path(self) -> str:
        """From the site's root."""
        return f"{self.name}.html"


def render(results: Results, templates: Path) -> dict[str, str]:
    """Every page of the site: its path from the site's root, and its text.

    Raises:
        ValueError: a formula in a family's docstring cannot be set.
    """
    environment = prepare(templates)
    summary = Summary(results.summary)
    models = model_views(results)
    real = Source(REAL, None, figures_of(results, REAL), cells_of(summary, REAL))
    run = run_of(results)
    names = list(results.params.models)
    scores = score_tables(summary, results.ranks, names)
    pairs = duels(results.verdicts, names, len(results.params.seeds))

    pages = [
        Page("index", "Overview", overview(results, models, real, pairs)),
        Page("scores", "Scores", scores),
        Page("compare", "Side by side", compare_page(pairs, scores)),
        Page("labels", "Labels", labels_page(results)),
        Page("training", "Training", training_page(results)),
        *([Page("latent", "Latent space", latent_page(results))] if results.latents else []),
        Page("coverage", "Missing and copied", coverage_page(results)),
        Page("paper", "The paper", paper_page(run, models, results.claims)),
        Page("methods", "Methods", methods_page(results)),
        Page("provenance", "Provenance", origin_page(results)),
    ]
    site = {
        "title": results.params.report.title,
        "pages": pages,
        "models": models,
        "real": real,
        "figures": figures_of(results, "comparison"),
        "run": run,
        "made": results.provenance,
    }

    def filled(template: str, here: str, **shown: Any) -> str:
        place = {"here": here, "root": "../" * here.count("/")}
        return environment.get_template(f"{template}.html.jinja").render(site=site, **place, **shown)

    def all_pages() -> Iterator[tuple[str, str]]:
        for page in pages:
            yield page.path, filled(page.name, page.path, page=page.shown)
        for model, before, after in zip(models, [None, *models], [*models[1:], None], strict=False):
            here = f"models/{model.name}.html"
            yield here, filled("model", here, model=model, before=before, after=after, rules=RULES)

    return dict(all_pages())


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
