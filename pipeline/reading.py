"""A finished run's files, read for the report."""

import ast
import re
import struct
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import artifacts, families
from pipeline.params import Params
from pipeline.records import History, history
from pipeline.report.coverage import COPIES
from pipeline.report.paper import TEXTS
from pipeline.report.results import (
    LADDER,
    OF_ALL,
    OF_CAPABILITY,
    OF_IMAGES,
    REAL,
    Family,
    Figure,
    Provenance,
    Results,
    data_behind,
)

SCORES = ("metrics.csv", "summary.csv", "verdicts.csv", "ranks.csv", "claims.csv")
OF_LADDER = "figures/comparison/ladder.csv"  # beside its picture
OF_CURVES = ("prd", "extrapolation", "spectrum")  # tables beside their pictures


def read(results: Path, params: Params, preset_changes: Mapping[str, Any], provenance: Provenance) -> Results:
    """Read what the report shows."""
    return Results(
        params=params,
        preset_changes={key: (paper, here) for key, (paper, here) in preset_changes.items()},
        metrics=artifacts.read_table(results / "metrics.csv"),
        summary=read_texts(results / "summary.csv", ["space"]),
        verdicts=read_texts(results / "verdicts.csv", ["space", "decided"]),
        ranks=read_texts(results / "ranks.csv", ["space"]),
        claims=read_texts(results / "claims.csv", TEXTS),
        ladder=read_texts(results / OF_LADDER, ["space", "declared", "found"]) if params.metrics.ladder else None,
        networks={name: artifacts.read_json(results / "networks" / f"{name}.json") for name in params.models},
        training={name: read_training(results, name, params.seeds) for name in params.models},
        alarms={name: read_alarms(results, name, params.seeds) for name in having("TrainedModel", params)},
        experiments={name: read_experiments(results, name, params.seeds) for name in having("Adversarial", params)},
        classifier=artifacts.read_json(results / "classifier" / "summary.json"),
        confusion=artifacts.read_table(results / "classifier" / "confusion.csv"),
        galleries={
            name: artifacts.read_table(results / "figures" / name / "gallery.csv") for name in (*params.models, REAL)
        },
        films={
            name: artifacts.read_table(results / "figures" / name / "film.csv")
            for name in having("TrainedModel", params)
        },
        latents={
            name: artifacts.read_json(results / "figures" / name / "latent.json")
            for name in having("Autoencoder", params)
        },
        figures=read_figures(results, params),
        families={model.family: read_family(model.family) for model in params.models.values()},
        data=[f"data/{path}" for path in tables(results, params)],
        provenance=provenance,
    )


def read_texts(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table in which an empty text is "" and not a number that is missing."""
    table = artifacts.read_table(path)
    return table.assign(**{column: table[column].astype(object).fillna("") for column in columns})


def read_training(results: Path, name: str, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """The training record of each seed."""
    return [artifacts.read_json(results / "training" / name / f"{seed}.json") for seed in seeds]


def read_alarms(results: Path, name: str, seeds: Sequence[int]) -> dict[int, pd.DataFrame]:
    """The alarms of each seed."""
    return {seed: artifacts.read_table(results / "diagnosis" / name / str(seed) / "alarms.csv") for seed in seeds}


def read_experiments(results: Path, name: str, seeds: Sequence[int]) -> list[pd.DataFrame]:
    """What a perfect discriminator left of the gradient, seed by seed."""
    return [artifacts.read_table(results / "perfect_discriminator" / name / f"{seed}.csv") for seed in seeds]


def having(capability: str, params: Params) -> list[str]:
    """The models whose class is declared to have a capability."""
    return [name for name, model in params.models.items() if capability in families.bases(model.family)]


def read_family(name: str) -> Family:
    """The paragraph of a family, the source of the method that says what it descends, its capabilities."""
    text = families.source(name)
    methods = [
        textwrap.dedent(ast.get_source_segment(text, node, padded=True) or "")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name in ("objectives", "fit")
    ]
    return Family(families.paragraph(name), "\n\n".join(methods), families.bases(name))


def read_figures(results: Path, params: Params) -> dict[str, Figure]:
    """The figures of this run and their sizes.

    Raises:
        FileNotFoundError: one of them is missing.
    """
    owned = {REAL: OF_IMAGES} | {name: figures_of(model.family) for name, model in params.models.items()}
    paths = [f"{owner}/{figure}" for owner, figures in owned.items() for figure in figures]
    shared = [*OF_ALL, LADDER] if params.metrics.ladder else OF_ALL
    return {path: read_figure(results / "figures" / path, path) for path in [*paths, *shared]}


def figures_of(family: str) -> list[str]:
    """What is drawn of a model of this family, by what its class is declared to be."""
    declared = families.bases(family)
    own = [figure for name, figures in OF_CAPABILITY.items() if name in declared for figure in figures]
    return [*OF_IMAGES, *own]


def read_figure(file: Path, path: str) -> Figure:
    """The size of a picture, from the head of its file."""
    if not file.exists():
        raise FileNotFoundError(f"{file} should be a figure of this run; found no such file. Draw it first.")
    return sized(file.read_bytes(), path, file)


def sized(picture: bytes, path: str, file: Path) -> Figure:
    """A picture (its path below figures/) with the size that it says of itself; `file` is named in what is raised."""
    head = picture[:4096]
    if head.startswith(b"\x89PNG"):
        width, height = struct.unpack(">II", head[16:24])
    elif box := re.search(rb'viewBox="[\d.+-]+[ ,]+[\d.+-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', head):
        scale = 4 / 3 if re.search(rb'<svg[^>]*\swidth="[\d.]+pt"', head) else 1  # points to pixels
        width, height = (round(float(side) * scale) for side in box.groups())
    else:
        raise ValueError(f"{file} should be a PNG, or an SVG with a viewBox; found neither. Draw it again.")
    return Figure(f"figures/{path}", width, height, data_behind(path))


def tables(results: Path, params: Params) -> dict[str, Path]:
    """The tables that can be downloaded: their path below data/, and where they lie now."""
    plain = [*SCORES, "classifier/confusion.csv", "classifier/reliability.csv"]
    listed = {path: results / path for path in plain} | (
        {"ladder.csv": results / OF_LADDER} if params.metrics.ladder else {}
    )
    listed |= {f"{name}.csv": results / "figures" / "comparison" / f"{name}.csv" for name in OF_CURVES}
    for name in (*params.models, REAL):
        listed[f"bins/{name}.csv"] = results / "figures" / name / "bins.csv"
    for name in (*params.models, REAL, COPIES):
        listed[f"nearest/{name}.csv"] = results / "figures" / name / "nearest.csv"
    first = params.seeds[0]
    for name in params.models:
        listed[f"networks/{name}.json"] = results / "networks" / f"{name}.json"
        if name in having("TrainedModel", params):
            listed[f"curves/{name}.csv"] = results / "curves" / f"{name}.csv"
            listed[f"checks/{name}.csv"] = results / "checks" / name / f"{first}.csv"
            listed[f"shares/{name}.csv"] = results / "diagnosis" / name / str(first) / "shares.csv"
            listed[f"alarms/{name}.csv"] = results / "diagnosis" / name / str(first) / "alarms.csv"
            listed[f"film/{name}.csv"] = results / "figures" / name / "film.csv"
        if name in having("Adversarial", params):
            listed[f"perfect_discriminator/{name}.csv"] = results / "perfect_discriminator" / name / f"{first}.csv"
        if name in having("Conditional", params):
            listed[f"asked/{name}.csv"] = results / "figures" / name / "asked.csv"
        if name in having("Autoencoder", params):
            listed[f"latent/{name}.json"] = results / "figures" / name / "latent.json"
        listed[f"labels/{name}.csv"] = results / "labels" / name / f"{first}.csv"
    listed[f"labels/{REAL}.csv"] = results / "labels" / REAL / "0.csv"
    for name in (*params.models, REAL):
        listed[f"gallery/{name}.csv"] = results / "figures" / name / "gallery.csv"
    return listed


def behind(results: Path, params: Params, records: Path | None) -> History:
    """The jobs that made what is shown; none where there are no records."""
    if records is None:
        return History()
    figures = [results / figure.path for figure in read_figures(results, params).values()]
    return history([path.as_posix() for path in [*tables(results, params).values(), *figures]], records)
