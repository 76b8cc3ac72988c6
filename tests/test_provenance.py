"""Where the report says it comes from: jobs, digests, the graph of rules, and settings that give the same run again."""

import dataclasses
import hashlib
import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from graphlib import CycleError
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import site_results
import yaml
from conftest import ROOT
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import PathPatch
from site_results import PROVENANCE, TEMPLATES
from test_site import MARKUP, rows_of, section, text_of

from pipeline.core.params import changes, resolve
from pipeline.figures.rule_graph import graph, layers, reduced
from pipeline.figures.style import svg
from pipeline.report.inputs import Results
from pipeline.report.pages.provenance import code_of, contents, settings_file, steps
from pipeline.report.site import render
from pipeline.stages import render as stage
from pipeline.workflow.job_history import History, Job, history
from pipeline.workflow.provenance import Provenance

COMMIT = "0123456789ab"
JOBS = (
    Job("fetch", frozenset(), 2.0),
    Job("train", frozenset({"fetch"}), 100.0),
    Job("train", frozenset({"fetch"}), 60.0),
    Job("compare", frozenset({"train", "fetch"}), 1.5),
)
HISTORY = History(JOBS, frozenset({"compare"}), {"data/images.npz": "a1" * 32, "pipeline/data/formats.py": "b2" * 32})
SAYS = {"all": "", "compare": "Gather\n    all scores.", "fetch": "Get the data.", "render": "Make the site."}


def made(commit: str = COMMIT, says: Mapping[str, str] = SAYS, jobs: History = HISTORY) -> Provenance:
    return dataclasses.replace(PROVENANCE, commit=commit, rules=says, history=jobs)


# Snakemake's records.

LONG = "x" * 230  # its record's name is cut into folders
WORKFLOW = f"""
rule compare:
    input: code="code.py", trained=expand("out/{{model}}/{LONG}.txt", model=["a", "b"]), data="data/images.npz"
    output: "table.csv", "ranks.csv"
    shell: "cat {{input.trained}} >table.csv; echo >ranks.csv"

rule train:
    input: "data/images.npz"
    output: "out/{{model}}/{LONG}.txt", "out/{{model}}/record.json"
    shell: "sleep 0.3; echo {{wildcards.model}} >{{output[0]}}; echo >{{output[1]}}"

rule fetch:
    output: "data/images.npz"
    shell: "echo images >{{output}}"
"""


def test_the_jobs_behind_files_are_those_that_snakemake_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Snakefile").write_text(WORKFLOW)
    (tmp_path / "code.py").write_text("code")
    of_another_run = f"out/gone/{LONG}.txt"
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--quiet", "all", "--", "compare", of_another_run]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    found = history(["table.csv", "ranks.csv", "unknown.csv"], Path(".snakemake/metadata"))
    takes_from = sorted((job.rule, *sorted(job.takes_from)) for job in found.jobs)
    assert takes_from == [("compare", "fetch", "train"), ("fetch",), ("train", "fetch"), ("train", "fetch")]
    assert found.last == {"compare"}
    assert all(0.25 < job.seconds < 20 for job in found.jobs if job.rule == "train")
    for file in ("code.py", "data/images.npz", f"out/b/{LONG}.txt"):
        assert found.digests[file] == hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert of_another_run not in found.digests


def record(folder: Path, file: str, **fields: Any) -> None:
    """One of Snakemake's records, as far as it is read."""
    fields = {"input": [], "shellcmd": f"make {file}", "starttime": 10.0, "endtime": 15.0, **fields}
    folder.mkdir(exist_ok=True)
    (folder / urlsafe_b64encode(file.encode()).decode()).write_text(json.dumps(fields))


def test_of_a_job_that_ran_twice_the_last_counts(tmp_path: Path) -> None:
    digest = {"input_checksums": {"data/images.npz": f"sha256:{'1' * 64}", "old.csv": "md5:00"}}
    record(tmp_path, "a.csv", rule="fit", shellcmd="fit", **digest)
    again = {"input_checksums": {"data/images.npz": f"sha256:{'2' * 64}"}}
    record(tmp_path, "b.csv", rule="fit", shellcmd="fit", starttime=20.0, endtime=21.5, **again)
    for files in (["a.csv", "b.csv"], ["b.csv", "a.csv"]):
        found = history(files, tmp_path)
        assert found.jobs == [Job("fit", frozenset(), 1.5)] and found.digests == {"data/images.npz": "2" * 64}


def test_records_that_are_not_whole_are_left_out(tmp_path: Path) -> None:
    record(tmp_path, "killed.csv", rule="killed", incomplete=True)
    record(tmp_path, "running.csv", rule="running", endtime=None)
    record(tmp_path, "good.csv", rule="good", input=["killed.csv", "running.csv", "half.csv"])
    (tmp_path / urlsafe_b64encode(b"half.csv").decode()).write_text('{"rule": "ha')
    assert history(["good.csv"], tmp_path).jobs == [Job("good", frozenset(), 5.0)]
    assert history(["good.csv"], tmp_path / "nowhere").jobs == []


# What is said of them.


def test_steps_are_in_the_order_of_the_snakefile_with_their_times() -> None:
    assert [dataclasses.astuple(step) for step in steps(made())] == [
        ("compare", "Gather all scores.", ["fetch", "train"], 1, 1.5, 1.5),
        ("fetch", "Get the data.", [], 1, 2.0, 2.0),
        ("train", "", ["fetch"], 2, 160.0, 100.0),
        ("render", "Make the site.", ["compare"], 1, None, None),
    ]
    assert steps(made(jobs=History())) == []


def test_only_the_data_set_and_weights_are_listed_with_digests() -> None:
    assert contents(HISTORY) == {"data/images.npz": "a1a1a1a1a1a1"}


@pytest.mark.parametrize(
    ("described", "commit", "differed"),
    [(COMMIT, COMMIT, False), (f"{COMMIT}-dirty", COMMIT, True), ("not a git checkout", None, False)],
)
def test_only_a_commit_that_git_knows_is_one_to_go_back_to(described: str, commit: str | None, differed: bool) -> None:
    assert dataclasses.astuple(code_of(described)) == (commit, differed)


def test_the_page_says_what_made_it(results: Results) -> None:
    page = render(dataclasses.replace(results, provenance=made()), TEMPLATES)["provenance.html"]
    assert f"git checkout {COMMIT} cp" in text_of(page) and "no file differed from it" in text_of(page)
    assert rows_of(page, "contents")[1:] == [["data/images.npz", "a1a1a1a1a1a1"]]
    assert "4 jobs of 3 rules ran before" in section(page, "rules") and "2 min 44 s" in section(page, "rules")
    assert rows_of(page, "rules")[3:] == [
        ["train", "–", "fetch", "2", "2 min 40 s", "1 min 40 s"],
        ["render", "Make the site.", "compare", "1", "–", "–"],
    ]
    dirty = dataclasses.replace(results, provenance=made(f"{COMMIT}-dirty"))
    text = text_of(render(dirty, TEMPLATES)["provenance.html"])
    assert f"git checkout {COMMIT} cp" in text and "Files differed from that commit" in text


def test_the_page_says_what_is_not_known(results: Results) -> None:
    page = render(dataclasses.replace(results, provenance=made("not a git checkout", {}, History())), TEMPLATES)[
        "provenance.html"
    ]
    assert "is not known: not a git checkout" in section(page, "again") and "<pre" not in page
    assert "how long they took, is not known" in section(page, "rules")
    assert "weights are not known" in section(page, "contents")
    assert rows_of(page, "rules") == rows_of(page, "contents") == []


def test_what_rules_and_files_are_called_stays_text(results: Results) -> None:
    jobs = History([Job(MARKUP, frozenset(), 1.0)], frozenset({MARKUP}), {f"data/{MARKUP}": "0" * 64})
    page = render(dataclasses.replace(results, provenance=made(says={MARKUP: MARKUP}, jobs=jobs)), TEMPLATES)[
        "provenance.html"
    ]
    assert MARKUP not in page and text_of(page).count(MARKUP) == 4
    assert MARKUP.encode() not in svg(graph({MARKUP: []}, {MARKUP: MARKUP}))


def test_the_stage_draws_the_rules_and_offers_their_table(tmp_path: Path) -> None:
    folder, run = tmp_path / "results", site_results.params()
    site_results.build(folder, run)
    table, figure = "results/metrics.csv", "results/figures/gan/samples.png"
    record(tmp_path / "records", table, rule="compare", input=["data/images.npz"])
    record(tmp_path / "records", figure, rule="plot_images", input=["data/images.npz"])
    record(tmp_path / "records", "data/images.npz", rule="fetch", endtime=100.0)
    record(tmp_path / "records", "results/figures/gone/samples.png", rule="plot_gone")
    stage.main(
        params=run,
        preset_changes=site_results.CHANGES,
        rules={"fetch": "Get the data."},
        records_folder=tmp_path / "records",
        results_folder=folder,
        reference_folder=folder / "reference",
        templates_folder=TEMPLATES,
        site_folder=tmp_path / "site",
    )
    page = (tmp_path / "site" / "provenance.html").read_text("utf-8")
    assert [row[0] for row in rows_of(page, "rules")[1:]] == ["fetch", "compare", "plot_images", "render"]
    assert 'src="figures/comparison/rules.svg"' in page and 'href="data/rules.csv"' in page
    drawn = (tmp_path / "site" / "figures" / "comparison" / "rules.svg").read_text("utf-8")
    assert ">fetch</text>" in drawn and "1 job · 1\u202fmin 30\u202fs" in drawn and "plot_gone" not in drawn
    offered = pd.read_csv(tmp_path / "site" / "data" / "rules.csv").set_index("rule")
    assert offered.loc["render", "takes_from"] == "compare plot_images" and offered.loc["fetch", "seconds"] == 90


# The graph.


def random_graph(seed: int, rules: int = 12) -> dict[str, list[str]]:
    rng = np.random.default_rng(seed)
    names = [f"rule_{i}" for i in rng.permutation(rules)]
    return {name: [each for each in names[:i] if rng.random() < 0.3] for i, name in enumerate(names)}


def reachable(takes_from: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    """All pairs of rules of which the first needs the second, by whatever way."""
    pairs = {(name, before) for name, direct in takes_from.items() for before in direct}
    while more := {(a, d) for a, b in pairs for c, d in pairs if b == c} - pairs:
        pairs |= more
    return pairs


@pytest.mark.parametrize("seed", range(5))
def test_lines_say_all_and_nothing_twice(seed: int) -> None:
    whole = random_graph(seed)
    lines = reduced(whole)
    assert reachable(lines) == reachable(whole)
    for name, direct in lines.items():
        for needed in direct:
            less = {**lines, name: [each for each in direct if each != needed]}
            assert (name, needed) not in reachable(less)


@pytest.mark.parametrize("seed", range(5))
def test_a_layer_is_the_longest_way_from_the_start(seed: int) -> None:
    whole = random_graph(seed)

    def longest(name: str) -> int:
        return max((1 + longest(before) for before in whole[name]), default=0)

    assert layers(whole) == {name: longest(name) for name in whole}


def test_rules_in_a_circle_are_refused() -> None:
    with pytest.raises(CycleError):
        graph({"a": ["b"], "b": ["a"]}, {"a": "", "b": ""})


@pytest.mark.parametrize("rules", [1, 3, 32])
def test_the_graph_has_a_row_for_each_rule_and_all_text_has_room(rules: int) -> None:
    names = {f"rule_{i}": f"plot_perfect_discriminator_{i}" for i in range(rules)}
    takes_from = {names[name]: [names[each] for each in direct] for name, direct in random_graph(1, rules).items()}
    figure = graph(takes_from, dict.fromkeys(takes_from, "100 jobs · 12\u202fmin 30\u202fs"))
    renderer = FigureCanvasAgg(figure).get_renderer()
    axes = figure.axes[0]
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert len(boxes) == 2 * rules and all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    rows = {text.get_text(): text.get_position()[1] for text in axes.texts[::2]}
    lines = [patch for patch in axes.patches if isinstance(patch, PathPatch)]
    drawn = sorted((line.get_path().vertices[0][1], line.get_path().vertices[-1][1]) for line in lines)
    expected = [(rows[before], rows[name]) for name, direct in reduced(takes_from).items() for before in direct]
    assert drawn == sorted(expected) and all(top < bottom for top, bottom in drawn)


# The settings, to be taken along.


@pytest.mark.parametrize("preset", ["laptop", "tour", "paper", "full"])
def test_the_settings_file_gives_the_same_parameters_and_changes(preset: str) -> None:
    raw = {**yaml.safe_load((ROOT / "params.yaml").read_text("utf-8")), "preset": preset}
    written = settings_file(resolve(raw), changes(raw))
    again = yaml.safe_load(written)
    assert "null" not in written
    assert resolve(again) == resolve(raw) and changes(again) == changes(raw)
    assert list(resolve(again).models) == list(resolve(raw).models)


def test_the_settings_file_holds_any_text_and_is_offered(results: Results, tmp_path: Path) -> None:
    run = site_results.params(title="a: [b\n# 'c\" é", dataset="- {x")
    assert resolve(yaml.safe_load(settings_file(run, {}))) == run
    found = dataclasses.replace(results, provenance=made())
    assert 'href="data/params.yaml"' in render(found, TEMPLATES)["provenance.html"]
    offered = stage.made_here(found)["data/params.yaml"].decode()
    assert resolve(yaml.safe_load(offered)) == results.params
