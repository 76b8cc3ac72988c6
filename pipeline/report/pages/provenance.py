"""Choose what the page on provenance shows: settings, jobs, digests and tables, and how to reproduce the site."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from pipeline.core.params import Params
from pipeline.report.inputs import RULES, Figure, Results
from pipeline.report.pages.methods import Network, networks
from pipeline.workflow.job_history import History
from pipeline.workflow.provenance import Provenance

LAST = "render"  # the rule that makes the site; its own record is only written when it is done
DIGITS = 12  # hexadecimal digits of a digest
HEAD = "# All settings of a report. Use this file in place of params.yaml to repeat the run.\n"


@dataclass(frozen=True)
class Code:
    """Hold the commit, if it is known, and whether files differed from it."""

    commit: str | None
    differed: bool


@dataclass(frozen=True)
class Step:
    """Describe what one rule of the Snakefile did for this site; the unfinished rule has no times."""

    rule: str
    does: str
    takes_from: Sequence[str]
    jobs: int
    seconds: float | None = None
    longest: float | None = None


@dataclass(frozen=True)
class ProvenancePage:
    """Hold all that a reader needs to reproduce this site."""

    code: Code
    steps: Sequence[Step]
    graph: Figure | None
    contents: Mapping[str, str]  # file -> the first digits of its SHA-256 digest
    settings: Mapping[str, Any]  # by dotted key
    networks: Sequence[Network]
    data: Sequence[str]

    @property
    def jobs(self) -> int:
        """Return the number of jobs of the finished rules."""
        return sum(step.jobs for step in self.steps if step.seconds is not None)

    @property
    def seconds(self) -> float:
        """Return the total time of all jobs."""
        return sum(step.seconds or 0 for step in self.steps)


def provenance_page(results: Results) -> ProvenancePage:
    """Choose every resolved setting, every job, every digest and every table."""
    made = results.provenance
    return ProvenancePage(
        code=code_of(made.commit),
        steps=steps(made),
        graph=results.figures.get(RULES),
        contents=contents(made.history),
        settings=dict(flat(results.params.model_dump(mode="json"))),
        networks=networks(results.metrics),
        data=results.data,
    )


def code_of(described: str) -> Code:
    """Parse the output of `git describe --always --dirty`, or the reason why there is none."""
    found = re.fullmatch(r"([0-9a-f]{7,64})(-dirty)?", described)
    return Code(found[1], found[2] is not None) if found else Code(None, False)


def steps(made: Provenance) -> list[Step]:
    """Return the rules that had jobs for this site, in the order of the Snakefile; none if no jobs are known."""
    jobs = made.history.jobs
    if not jobs:
        return []
    does = {rule: " ".join(says.split()) for rule, says in made.rules.items()}
    ran = {job.rule for job in jobs}
    found = []
    for rule in [*(rule for rule in does if rule in ran), *sorted(ran - does.keys())]:
        own = [job for job in jobs if job.rule == rule]
        before = frozenset().union(*(job.takes_from for job in own))
        spent = [job.seconds for job in own]
        found.append(Step(rule, does.get(rule, ""), sorted(before), len(own), sum(spent), max(spent)))
    return [*found, Step(LAST, does.get(LAST, ""), sorted(made.history.last), 1)]


def steps_table(found: Sequence[Step]) -> pd.DataFrame:
    """Return the steps as a table for download, one row each; times are in seconds."""
    rows = [(each.rule, each.does, " ".join(each.takes_from), each.jobs, each.seconds, each.longest) for each in found]
    return pd.DataFrame(rows, columns=pd.Index(["rule", "does", "takes_from", "jobs", "seconds", "longest"]))


def contents(history: History) -> dict[str, str]:
    """Return the data set and the checkpoints that jobs read, each with the first digits of its SHA-256 digest."""
    shown = sorted(file for file in history.digests if file.startswith(("data/", "checkpoints/")))
    return {file: history.digests[file][:DIGITS] for file in shown}


def settings_file(params: Params, preset_changes: Mapping[str, tuple[Any, Any]]) -> str:
    """Return a params.yaml that resolves to the same parameters and whose preset makes the same changes."""
    sections = params.model_dump(mode="json")
    preset: dict[str, Any] = {}
    for key, (paper, here) in preset_changes.items():
        *path, last = key.split(".")
        under, over = sections, preset
        for part in path:
            under, over = under[part], over.setdefault(part, {})
        over[last] = here
        if paper is None:
            under.pop(last)
        else:
            under[last] = paper
    whole = {**sections, "presets": {params.preset: preset}}
    return HEAD + yaml.safe_dump(whole, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield nested settings by dotted key; an empty mapping, which means the family's defaults, is kept."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
