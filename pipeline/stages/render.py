"""Make the site: one folder that needs nothing outside itself."""

import argparse
import ast
import dataclasses
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import struct
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import artifacts, families
from pipeline.figures.rules import graph
from pipeline.figures.style import svg
from pipeline.params import Params
from pipeline.records import History, history
from pipeline.report import render
from pipeline.report.coverage import COPIES
from pipeline.report.numbers import number
from pipeline.report.origin import Step, settings_file, steps, steps_table
from pipeline.report.paper import TEXTS
from pipeline.report.results import (
    LADDER,
    OF_ALL,
    OF_CAPABILITY,
    OF_IMAGES,
    REAL,
    RULES,
    Family,
    Figure,
    Provenance,
    Results,
    data_behind,
)
from pipeline.stages import run, settings

PACKAGES = ("torch", "torchvision", "snakemake", "dvc", "numpy", "pandas", "matplotlib")
SCORES = ("metrics.csv", "summary.csv", "verdicts.csv", "ranks.csv", "claims.csv")
OF_LADDER = "figures/comparison/ladder.csv"  # beside its picture
OF_CURVES = ("prd", "extrapolation", "spectrum")  # tables beside their pictures
SHOWN_LABELS = 100  # samples of the grid, and as many of the least certain
FOLDERS = {"models", "figures", "data", "static"}  # of a site, beside its pages


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


def shown_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """The labels behind the figures: of the grid's samples and of the least certain ones."""
    images = labels[labels["set"] == "images"]
    unsure = images.nsmallest(SHOWN_LABELS, "confidence")
    return pd.concat([images.head(SHOWN_LABELS), unsure]).drop_duplicates()


def behind(results: Path, params: Params, records: Path | None) -> History:
    """The jobs that made what is shown; none where there are no records."""
    if records is None:
        return History()
    figures = [results / figure.path for figure in read_figures(results, params).values()]
    return history([path.as_posix() for path in [*tables(results, params).values(), *figures]], records)


def collect_provenance(params: Params, rules: Mapping[str, str], jobs: History) -> Provenance:
    """Which code, settings, packages and machine made this, and when."""
    canonical = json.dumps(params.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    date = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return Provenance(
        commit=commit(),
        settings=hashlib.sha256(canonical.encode()).hexdigest()[:12],
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        platform=f"{platform.system()} {platform.machine()}, {processor()}",
        date=date.strftime("%Y-%m-%d %H:%M UTC"),
        rules=rules,
        history=jobs,
    )


def commit() -> str:
    """The commit of the working folder, marked where files differ from it."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
        described = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown (git is not installed)"
    return described.stdout.strip() or "not a git checkout"


def version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def processor() -> str:
    """The name of the CPU."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return named[1] if named else platform.processor() or "unknown processor"


def made_here(found: Results) -> dict[str, bytes]:
    """What is made together with the pages: the settings as a file, the graph of rules, and its table."""
    made = {"data/params.yaml": settings_file(found.params, found.preset_changes).encode()}
    if rules := steps(found.provenance):
        beside = {each.rule: in_short(each) for each in rules}
        made[f"figures/{RULES}"] = svg(graph({each.rule: each.takes_from for each in rules}, beside))
        made[str(data_behind(RULES))] = steps_table(rules).to_csv(index=False, float_format="%.1f").encode()
    return made


def in_short(step: Step) -> str:
    """The jobs of a rule and their time."""
    jobs = "1 job" if step.jobs == 1 else f"{step.jobs} jobs"
    return jobs if step.seconds is None else f"{jobs} · {number(step.seconds, 's')}"


def write(
    pages: Mapping[str, str], made: Mapping[str, bytes], found: Results, results: Path, templates: Path, into: Path
) -> None:
    """Write the pages and everything they show, and remove what an earlier render left.

    Raises:
        ValueError: the folder holds something that no render wrote.
    """
    known = FOLDERS | {template.stem for template in templates.glob("*.html.jinja")}
    strange = sorted(entry.name for entry in into.glob("[!.]*") if entry.name not in known)
    if strange:
        raise ValueError(
            f"{into} should hold nothing but a site, for stale files in it are removed; found {strange[0]}. "
            "Name another folder with --into."
        )
    contents = {path: text.encode() for path, text in pages.items()} | dict(made)
    for file in sorted((templates / "static").iterdir()):
        contents[f"static/{file.name}"] = file.read_bytes()
    for path in {figure.path for figure in found.figures.values()} - made.keys():
        contents[path] = (results / path).read_bytes()
    for path, file in tables(results, found.params).items():
        contents[f"data/{path}"] = table_bytes(path, file)
    for path, content in contents.items():
        artifacts.write_bytes(into / path, content)
    prune(into, set(contents))


def table_bytes(path: str, file: Path) -> bytes:
    """A table as the site offers it: whole, but for the labels of thousands of images."""
    if path.startswith("labels/"):
        return shown_labels(artifacts.read_table(file)).to_csv(index=False).encode()
    return file.read_bytes()


def prune(into: Path, written: set[str]) -> None:
    """Remove files that this render did not write, and folders that are empty then; hidden ones stay."""
    for entry in sorted(into.rglob("*"), reverse=True):
        inside = entry.relative_to(into)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if entry.is_dir() and not entry.is_symlink():
            if not any(entry.iterdir()):
                entry.rmdir()
        elif inside.as_posix() not in written:
            entry.unlink()


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, read, render, write."""
    cli = argparse.ArgumentParser(prog="render", description=__doc__)
    cli.add_argument("--params", type=settings(Params, ""), required=True, help="the resolved ones, as JSON")
    cli.add_argument(
        "--preset-changes",
        type=json.loads,
        required=True,
        help="JSON: dotted key to [the paper's value, this run's value]",
    )
    cli.add_argument("--results", type=Path, required=True, help="folder of the results")
    cli.add_argument("--rules", type=json.loads, default={}, help="JSON: rule of the Snakefile to what it does")
    cli.add_argument("--records", type=Path, help="folder of Snakemake's records, for the times")
    cli.add_argument("--templates", type=Path, required=True, help="folder of the templates")
    cli.add_argument("--into", type=Path, required=True, help="folder of the site; stale files go")
    args = cli.parse_args(argv)

    jobs = behind(args.results, args.params, args.records)
    provenance = collect_provenance(args.params, args.rules, jobs)
    found = read(args.results, args.params, args.preset_changes, provenance)
    made = made_here(found)
    if drawn := made.get(f"figures/{RULES}"):
        figures = {**found.figures, RULES: sized(drawn, RULES, Path(RULES))}
        found = dataclasses.replace(found, figures=figures)
    write(render(found, args.templates), made, found, args.results, args.templates, args.into)


if __name__ == "__main__":
    run(main)
