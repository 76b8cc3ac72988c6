"""Load the files of a finished run for the report."""

import ast
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image

from pipeline.analysis import verdicts
from pipeline.core import artifacts, families
from pipeline.core.names import TEST
from pipeline.core.outputs import COMPLETING, EXHIBITS, LIKELY, REFERENCES, having, having_one, produced
from pipeline.core.params import Params
from pipeline.report.inputs import Family, Figure, Results
from pipeline.report.pages.paper import TEXTS
from pipeline.workflow.job_history import History, history
from pipeline.workflow.provenance import Provenance

T = TypeVar("T")


def load(
    results: Path, reference: Path, params: Params, preset_changes: Mapping[str, Any], provenance: Provenance
) -> Results:
    """Return everything that the report shows.

    Args:
        results: the folder of the results.
        reference: the folder of the tables about the verdicts themselves.
        preset_changes: dotted key to [the paper's value, this run's value].

    Raises:
        FileNotFoundError: a file of this run is missing.
    """

    def of_each(names: Sequence[str], read: Callable[[Path], T], path: str) -> dict[str, T]:
        return {name: read(results / path.format(name=name)) for name in names}

    def of_each_seed(names: Sequence[str], read: Callable[[Path], T], path: str) -> dict[str, dict[int, T]]:
        return {
            name: {seed: read(results / path.format(name=name, seed=seed)) for seed in params.seeds} for name in names
        }

    models, trained = list(params.models), having("TrainedModel", params)
    sensitivity = results / "figures/comparison/sensitivity.csv"
    table, json = artifacts.read_table, artifacts.read_json
    return Results(
        params=params,
        preset_changes={key: (paper, here) for key, (paper, here) in preset_changes.items()},
        metrics=table(results / "metrics.csv"),
        summary=artifacts.read_texts(results / "summary.csv", ["space"]),
        gates=table(results / "gates.csv"),
        verdicts=artifacts.read_texts(results / "verdicts.csv", verdicts.TEXTS),
        ranks=artifacts.read_texts(results / "ranks.csv", ["space"]),
        claims=artifacts.read_texts(results / "claims.csv", TEXTS),
        sensitivity=(
            artifacts.read_texts(sensitivity, ["space", "declared", "found"]) if params.metrics.sensitivity else None
        ),
        stability=table(reference / "stability.csv"),
        error_rates=table(reference / "error_rates.csv"),
        networks=of_each(models, json, "networks/{name}.json"),
        training={
            name: list(records.values())
            for name, records in of_each_seed(models, json, "training/{name}/{seed}.json").items()
        },
        alarms=of_each_seed(trained, table, "alarms/{name}/{seed}.csv"),
        experiments={
            name: list(tables.values())
            for name, tables in of_each_seed(
                having("Adversarial", params), table, "perfect_discriminator/{name}/{seed}.csv"
            ).items()
        },
        classifier=json(results / "classifier/summary.json"),
        confusion=table(results / "classifier/confusion.csv"),
        galleries=of_each([*models, TEST], table, "figures/{name}/gallery.csv"),
        films=of_each(trained, table, "figures/{name}/film.csv"),
        likelihoods={
            name: list(found.values())
            for name, found in of_each_seed(having_one(LIKELY, params), json, "likelihood/{name}/{seed}.json").items()
        },
        completions={
            name: list(found.values())
            for name, found in of_each_seed(
                having_one(COMPLETING, params), table, "completion/{name}/{seed}.csv"
            ).items()
        },
        exhibits={
            exhibit: of_each(having(capability, params), json, f"figures/{{name}}/{exhibit}.json")
            for exhibit, capability in EXHIBITS.items()
        },
        latents=of_each(having("Autoencoder", params), json, "figures/{name}/latent.json"),
        figures=read_figures(results, params),
        families={model.family: read_family(model.family) for model in params.models.values()},
        data=[f"data/{path}" for path in [*tables(params), *REFERENCES]],
        provenance=provenance,
    )


def read_family(name: str) -> Family:
    """Return the paragraph of a family, the source of its objectives (or its fit), and its capabilities."""
    text = families.source(name)
    methods = [
        textwrap.dedent(ast.get_source_segment(text, node, padded=True) or "")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name in ("objectives", "fit")
    ]
    return Family(families.paragraph(name), "\n\n".join(methods), families.bases(name))


def read_figures(results: Path, params: Params) -> dict[str, Figure]:
    """Return the pictures of this run with their sizes, by path below figures/.

    Raises:
        FileNotFoundError: one of them is missing.
    """
    figures = {}
    for file in produced(params):
        if file.is_picture:
            if not (results / file.path).exists():
                raise FileNotFoundError(
                    f"{results / file.path} should be a figure of this run; found no such file. Plot it first."
                )
            content = (results / file.path).read_bytes()
            data = f"data/{file.table}" if file.table else None
            figures[file.path.removeprefix("figures/")] = sized(content, file.path, data)
    return figures


def sized(picture: bytes, path: str, data: str | None) -> Figure:
    """Return a picture with its size in CSS pixels, which is read from its bytes.

    Args:
        picture: the content of the file.
        path: from the site's root; messages name it.
        data: the table behind the picture.

    Raises:
        ValueError: the content is neither a PNG nor an SVG with a viewBox.
    """
    if box := re.search(rb'viewBox="[\d.+-]+[ ,]+[\d.+-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', picture[:4096]):
        scale = 4 / 3 if re.search(rb'<svg[^>]*\swidth="[\d.]+pt"', picture[:4096]) else 1  # points to pixels
        width, height = (round(float(side) * scale) for side in box.groups())
        return Figure(path, width, height, data)
    try:
        with Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
            return Figure(path, *opened.size, data)
    except OSError:
        raise ValueError(f"{path} should be a PNG, or an SVG with a viewBox; found neither. Plot it again.") from None


def tables(params: Params) -> list[str]:
    """Return the tables that the site offers, as paths below results/ and below the site's data/."""
    return [file.path for file in produced(params) if not file.is_picture and file.offered]


def jobs_behind(params: Params, records: Path | None) -> History:
    """Return the jobs that made what is shown; an empty history if there are no records."""
    return History() if records is None else history([f"results/{file.path}" for file in produced(params)], records)
