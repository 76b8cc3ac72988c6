"""The README's "Add your model", followed to the letter in a copy of the project."""

import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import contract
import pytest
import site_results
import test_models
from conftest import ROOT
from site_results import write_site
from test_models import PROMISES, PROMISES_OF_TRAINED
from test_site import text_of
from workspace import Workspace

from pipeline.core import artifacts, families
from pipeline.models.common.loading import family_class

STEPS = (ROOT / "README.md").read_text("utf-8").partition("## Add your model")[2]
BUILT = [  # all that is computed for each model by itself
    "results/labels/mine/0.csv",
    "results/networks/mine.json",
    "results/alarms/mine/0.csv",
]


def found(pattern: str) -> str:
    """What the README says at this place."""
    match = re.search(pattern, STEPS, re.MULTILINE | re.DOTALL)
    assert match, f"the README should say how to add a model, with {pattern}"
    return match.group(1)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy in which the README's first two steps are done."""
    made = Workspace.create(tmp_path_factory.mktemp("add_a_model") / "project")
    code = textwrap.dedent(found(r"^ +```python\n(.*?)^ +```$"))
    (made.folder / found(r"Write `(\S+\.py)`")).write_text(code, "utf-8")
    line = found(r"List it in `params.yaml` under `models:`, by its name: `(.*?)`")
    params = made.folder / "params.yaml"
    params.write_text(params.read_text("utf-8").replace("\nmodels:\n", f"\nmodels:\n  {line}\n"), "utf-8")
    return made


@pytest.fixture
def build(project: Workspace, monkeypatch: pytest.MonkeyPatch) -> contract.Build:
    """Builds the model of the new file as the pipeline finds it: by the name of the file."""
    name = found(r"Write `pipeline/models/(\w+)\.py`")
    spec = importlib.util.spec_from_file_location(
        f"pipeline.models.{name}", project.folder / "pipeline" / "models" / f"{name}.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    kind = family_class(name)
    return lambda: kind(kind.Config())


@pytest.mark.parametrize("promise", [*PROMISES, *PROMISES_OF_TRAINED])
def test_it_keeps_the_contract(build: contract.Build, promise: Callable[[contract.Build], None]) -> None:
    promise(build)


def test_its_checkpoint_round_trips(build: contract.Build, tmp_path: Path) -> None:
    contract.a_checkpoint_round_trips(build, found(r"Write `pipeline/models/(\w+)\.py`"), tmp_path)


def test_the_command_that_holds_it_to_the_contract_asks_what_is_asked_here() -> None:
    """The contract is asked of every family there is a file for, under its name."""
    name = found(r"Write `pipeline/models/(\w+)\.py`")
    assert found(r"`(pytest [^`]*)` holds it to the contract") == f"pytest tests/test_models.py -k {name}"
    assert families.names() == test_models.ALL


def test_it_is_trained_drawn_from_labelled_and_shown(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the report is that of any model, and its results are made up here."""
    project.edit("models.mine", {"epochs": 2, "batch_size": 60})
    project.run("snakemake", "--cores", "2", *BUILT)
    networks = artifacts.read_json(project.folder / "results/networks/mine.json")
    record = project.record("mine")
    assert record["config"]["epochs"] == 2 and record["config"]["latent"] == 32 and record["steps"] == 8

    monkeypatch.setattr(families, "FOLDER", project.folder / "pipeline" / "models")
    layers = [(layer["in"], layer["out"], layer["activation"]) for layer in networks["networks"][0]["layers"]]
    monkeypatch.setitem(site_results.LAYERS, "mine", {"generator": layers})
    monkeypatch.setitem(site_results.CONFIGS, "mine", {})
    monkeypatch.setitem(site_results.DISTANCE, "mine", 0.3)
    monkeypatch.setitem(site_results.DEFAULTS, "mine", record["config"])
    models = {"gan": {"family": "gan"}, "mine": {"family": "mine", "epochs": 2}}
    site = write_site(tmp_path / "results", tmp_path / "site", models=models, seeds=[0])
    page = (site / "models" / "mine.html").read_text("utf-8")
    shown = text_of(page)
    assert "One network that is moved by distances alone" in shown and "<math" in page
    assert "Generator: 419,088 parameters, from 32 to 784" in shown
    assert "models/mine.html" in (site / "index.html").read_text("utf-8")
