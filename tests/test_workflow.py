"""The rules against the stages: each calls its own, logs, and takes in the code that decides its results."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from pipeline.core import families
from pipeline.workflow import code_inputs
from pipeline.workflow.code_inputs import CARRIERS, closure, code_of, code_of_family, imported

TARGETS = {"all", "families"}
NO_RULE = {"bundle"}  # a stage for `make site-single` only
TIMED = {
    "train",
    "train_classifier",
    "reference",
    "measure",
    "c2st",
    "likelihood",
    "student",
    "complete",
}  # these take long
PACKAGE = ROOT / "pipeline"
MODULES = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
)


def rules() -> dict[str, str]:
    """The text of each rule."""
    files = [ROOT / "Snakefile", *sorted((ROOT / "rules").glob("*.smk"))]
    found: dict[str, str] = {}
    for path in files:
        for part in re.split(r"^rule ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            name, _, body = part.partition(":\n")
            assert name not in found
            found[name] = re.split(r"^\w", body, maxsplit=1, flags=re.MULTILINE)[0]
    return found


def stages() -> set[str]:
    """The modules that are command lines."""
    return {name.removeprefix("stages/") for name in MODULES if name.startswith("stages/")} - {"cli"}


# Rules.


def test_every_rule_is_a_stage_and_every_stage_but_one_a_rule() -> None:
    assert set(rules()) - TARGETS == stages() - NO_RULE
    for name in stages() - NO_RULE:
        assert f"python -m pipeline.stages.{name} \\\n" in rules()[name]


def test_every_rule_logs_and_what_takes_long_is_timed() -> None:
    for name, text in rules().items():
        if name not in TARGETS:
            assert "    log:\n" in text and "2>{log:q}" in text, name
            assert text.startswith('    """'), f"{name} should say what it does"
        assert ("    benchmark:\n" in text) == (name in TIMED), name


def test_every_rule_takes_in_the_code_of_its_stage() -> None:
    for name, text in rules().items():
        if name not in TARGETS:
            assert re.search(rf'^        code=code_of\("{name}"[,)]', text, re.MULTILINE), name


def test_a_rule_whose_stage_finds_a_family_by_its_name_takes_in_that_familys_code() -> None:
    for name in stages() - NO_RULE:
        finds = "pipeline/models/common/loading.py" in code_of(name)
        assert ("family=family_code" in rules()[name]) == finds, name
    assert "families=" in rules()["render"], "the report shows the code of the families"


def test_only_alarms_are_left_out_and_only_of_a_training() -> None:
    left_out = {name: re.findall(r"but=\[(.*)\]", text) for name, text in rules().items()}
    assert {name: found for name, found in left_out.items() if found} == {"train": ['"analysis/alarms"']}
    alarms = "pipeline/analysis/alarms.py"
    assert alarms in code_of("train") and alarms not in code_of("train", but=["analysis/alarms"])
    assert set(code_of("train")) - set(code_of("train", but=["analysis/alarms"])) == {alarms}


# The code of the rules, against what Python itself says of it.


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules are read from the working folder, once."""
    monkeypatch.chdir(ROOT)
    closure.cache_clear()
    imported.cache_clear()
    yield
    closure.cache_clear()
    imported.cache_clear()


def truly_imported(module: str) -> set[str]:
    """The modules of the pipeline that a module imports anywhere, by its syntax tree."""
    named: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} should name what it imports from its root on"
            named |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    inside = {name.removeprefix("pipeline.").replace(".", "/") for name in named if name.startswith("pipeline.")}
    return inside & set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_every_import_is_seen(module: str) -> None:
    assert set(imported(module)) == truly_imported(module)


@pytest.mark.parametrize("stage", sorted(stages()))
def test_the_code_of_a_stage_is_all_that_it_reaches(stage: str) -> None:
    found, todo = set(), [f"stages/{stage}"]
    while todo:
        found.add(each := todo.pop())
        todo += truly_imported(each) - found - CARRIERS
    assert code_of(stage) == [f"pipeline/{each}.py" for each in sorted(found)]


@pytest.mark.parametrize("family", families.names())
def test_the_code_of_a_family_is_its_file_and_what_it_is_made_of(family: str) -> None:
    found = code_of_family(family)
    assert {f"pipeline/models/{family}.py", "pipeline/models/base.py"} <= set(found)
    assert not [file for file in found if "/stages/" in file or "/training/" in file]


def test_packages_hold_no_code_so_they_can_be_left_out() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        (only,) = ast.parse(path.read_text("utf-8")).body
        assert isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant), path


# On a package that was planted.

BOTH = {"room/needed", "room/second"}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one stage, with all that may be imported lying there."""
    folder = tmp_path / "pipeline"
    for name in (
        "stages/it",
        "room/needed",
        "room/second",
        "room/through",
        "core/params",
        "models/mine",
        "models/base",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text("")
    (folder / "room" / "__init__.py").write_text('"""A room."""\n')
    (folder / "room" / "through.py").write_text("from pipeline.room.needed import x\n")
    monkeypatch.chdir(tmp_path)
    assert Path("pipeline") == code_inputs.PACKAGE
    return folder


@pytest.mark.parametrize(
    ("written", "found"),
    [
        pytest.param("from pipeline.room.needed import x, y as z\n", {"room/needed"}, id="directly"),
        pytest.param("from pipeline.room.through import x\n", {"room/needed", "room/through"}, id="through another"),
        pytest.param("from pipeline.room import needed\n", {"room/needed"}, id="from its package"),
        pytest.param("from pipeline.room import needed as it, second\n", BOTH, id="two"),
        pytest.param(
            "from pipeline.room import (\n    needed,\n    second as it,\n)\n",
            {"room/needed", "room/second"},
            id="in brackets",
        ),
        pytest.param("from pipeline.room.needed import (\n    x,\n    y,\n)\n", {"room/needed"}, id="names"),
        pytest.param("def f():\n    from pipeline.room import needed\n", {"room/needed"}, id="in a function"),
        pytest.param("from pipeline.core.params import x\n", set(), id="a carrier"),
        pytest.param("from pipeline.core import params\n", set(), id="a carrier from its package"),
        pytest.param("import json\nfrom pathlib import Path\n", set(), id="of others"),
        pytest.param("from pipeline.room import needed  # why\n", {"room/needed"}, id="before a comment"),
        pytest.param("# from pipeline.room import needed\n", set(), id="in a comment"),
    ],
)
def test_a_planted_import_is_found(package: Path, written: str, found: set[str]) -> None:
    (package / "stages" / "it.py").write_text(written)
    assert code_of("it") == [f"pipeline/{each}.py" for each in sorted({"stages/it", *found})]


def test_what_is_left_out_leaves_out_what_only_it_needs(package: Path) -> None:
    (package / "stages" / "it.py").write_text("from pipeline.room import second, through\n")
    assert code_of("it", but=["room/through"]) == ["pipeline/room/second.py", "pipeline/stages/it.py"]


def test_modules_that_import_each_other_come_to_an_end(package: Path) -> None:
    (package / "stages" / "it.py").write_text("from pipeline.room import needed\n")
    (package / "room" / "needed.py").write_text("from pipeline.room import second\n")
    (package / "room" / "second.py").write_text("def f():\n    from pipeline.room import needed\n")
    assert code_of("it") == ["pipeline/room/needed.py", "pipeline/room/second.py", "pipeline/stages/it.py"]


def test_a_planted_family_brings_what_it_imports(package: Path) -> None:
    (package / "models" / "mine.py").write_text(
        "from pipeline.models import base\nfrom pipeline.room.through import x\n"
    )
    expected = ["models/base", "models/mine", "room/needed", "room/through"]
    assert code_of_family("mine") == [f"pipeline/{each}.py" for each in expected]
