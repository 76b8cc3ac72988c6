"""Render the site: one folder that needs nothing outside itself."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pipeline.core import artifacts
from pipeline.core.outputs import REFERENCES
from pipeline.core.params import Params
from pipeline.figures.rule_graph import graph
from pipeline.figures.style import svg
from pipeline.report.formatting import number
from pipeline.report.inputs import RULES, RULES_TABLE, Results
from pipeline.report.load import jobs_behind, load, sized, tables
from pipeline.report.pages.provenance import Step, settings_file, steps, steps_table
from pipeline.report.site import render
from pipeline.stages.cli import run
from pipeline.workflow import provenance

SHOWN_LABELS = 100  # first samples in the table of labels, and the same number of least certain ones
FOLDERS = {"models", "figures", "data", "static"}  # of a site, beside its pages


def made_here(found: Results) -> dict[str, bytes]:
    """Return the files made together with the pages: the settings, the graph of rules, and its table."""
    made = {"data/params.yaml": settings_file(found.params, found.preset_changes).encode()}
    if rules := steps(found.provenance):
        beside = {each.rule: in_short(each) for each in rules}
        made[f"figures/{RULES}"] = svg(graph({each.rule: each.takes_from for each in rules}, beside))
        made[RULES_TABLE] = steps_table(rules).to_csv(index=False, float_format="%.1f").encode()
    return made


def in_short(step: Step) -> str:
    """Return the number of jobs of a rule and their time, in words."""
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
            "Name another folder with --site-folder."
        )
    contents = {path: text.encode() for path, text in pages.items()} | dict(made)
    for file in sorted((templates / "static").iterdir()):
        contents[f"static/{file.name}"] = file.read_bytes()
    for path in {figure.path for figure in found.figures.values()} - made.keys():
        contents[path] = (results / path).read_bytes()
    for path in tables(found.params):
        contents[f"data/{path}"] = table_bytes(path, results / path)
    for path, content in contents.items():
        artifacts.write_bytes(into / path, content)
    prune(into, set(contents))


def table_bytes(path: str, file: Path) -> bytes:
    """Return a table as the site offers it: whole, except that labels are cut to the images of the figures."""
    if path.startswith("labels/"):
        return shown_labels(artifacts.read_table(file)).to_csv(index=False).encode()
    return file.read_bytes()


def shown_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the labels behind the figures: those of the first samples and of the least certain ones."""
    images = labels[labels["set"] == "images"]
    unsure = images.nsmallest(SHOWN_LABELS, "confidence")
    return pd.concat([images.head(SHOWN_LABELS), unsure]).drop_duplicates()


def prune(into: Path, written: set[str]) -> None:
    """Remove files that this render did not write, and folders that then are empty; hidden ones stay."""
    for entry in sorted(into.rglob("*"), reverse=True):
        inside = entry.relative_to(into)
        if any(part.startswith(".") for part in inside.parts):
            continue
        if entry.is_dir() and not entry.is_symlink():
            if not any(entry.iterdir()):
                entry.rmdir()
        elif inside.as_posix() not in written:
            entry.unlink()


def main(
    *,
    params: Params,
    preset_changes: dict,
    results_folder: Path,
    reference_folder: Path,
    templates_folder: Path,
    site_folder: Path,
    rules: dict | None = None,
    records_folder: Path | None = None,
) -> None:
    """Render the site.

    Args:
        params: the resolved parameters, as JSON.
        preset_changes: dotted key to [the paper's value, this run's value], as JSON.
        results_folder: what the run produced.
        reference_folder: tables about the verdicts themselves, which a run reads.
        templates_folder: the templates of the pages, and their static files.
        site_folder: to write. Files of an earlier render that this one does not write are removed.
        rules: what each rule of the Snakefile does, as JSON.
        records_folder: Snakemake's records, for the times of jobs.
    """
    jobs = jobs_behind(params, records_folder)
    made_by = provenance.collect(params, rules or {}, jobs)
    found = load(results_folder, reference_folder, params, preset_changes, made_by)
    made = made_here(found) | {f"data/{name}": (reference_folder / name).read_bytes() for name in REFERENCES}
    if drawn := made.get(f"figures/{RULES}"):
        figures = {**found.figures, RULES: sized(drawn, f"figures/{RULES}", RULES_TABLE)}
        found = dataclasses.replace(found, figures=figures)
    write(render(found, templates_folder), made, found, results_folder, templates_folder, site_folder)


if __name__ == "__main__":
    run(main)
