"""Command lines that follow from signatures: flags, sections as JSON, and errors that end with a sentence."""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from pipeline.core.params import Classifier, Compute, Params, Samples
from pipeline.stages import cli
from pipeline.stages.cli import parser, run

STAGES = sorted(file.stem for file in Path(cli.__file__).parent.glob("[a-z]*.py") if file.stem != "cli")
COMPUTE = {"device": "cpu", "precision": "float32", "threads": 2}


def stage(
    *,
    baseline: str,
    count: int,
    compute: Compute,
    settings: dict,
    sample_files: list[Path],
    models: list[str],
    raw_folder: Path,
    requested_file: Path | None = None,
    every: float = 20.0,
) -> None:
    """One parameter of each kind."""


NEEDED = [
    *("--baseline", "noise", "--count", "7", "--compute", json.dumps(COMPUTE), "--settings", '{"lr": 0.5}'),
    *("--sample-files", "a/0.npz", "a/1.npz", "--models", "--raw-folder", "data/raw"),
]


def parsed(*more: str) -> dict[str, object]:
    return vars(parser(stage).parse_args([*NEEDED, *more]))


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What is said of such a command line; its exit status must be argparse's."""
    with pytest.raises(SystemExit) as ended:
        parser(stage).parse_args(list(words))
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_flags_are_the_names_with_dashes_and_values_have_the_types_of_the_parameters() -> None:
    assert parsed() == {
        "baseline": "noise",
        "count": 7,
        "compute": Compute(device="cpu", precision="float32", threads=2),
        "settings": {"lr": 0.5},
        "sample_files": [Path("a/0.npz"), Path("a/1.npz")],
        "models": [],
        "raw_folder": Path("data/raw"),
        "requested_file": None,
        "every": 20.0,
    }


def test_what_has_a_default_may_be_given_and_what_has_none_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    more = parsed("--requested-file", "r.npz", "--every", "0.1")
    assert more["requested_file"] == Path("r.npz") and more["every"] == 0.1
    for flag in (word for word in NEEDED if word.startswith("--")):
        place = NEEDED.index(flag)
        rest = NEEDED[place + 1 :]
        after = next((n for n, word in enumerate(rest) if word.startswith("--")), len(rest))
        assert f"required: {flag}" in refused(capsys, *NEEDED[:place], *rest[after:])


def test_a_section_is_checked_as_params_yaml_is(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**COMPUTE, "threads": 0}
    said = refused(capsys, *NEEDED, "--compute", json.dumps(wrong))
    assert "argument --compute: params.yaml: compute.threads: expected a number greater than 0; found 0." in said
    said = refused(capsys, *NEEDED, "--compute", json.dumps({**COMPUTE, "thread": 1}))
    assert "compute.thread: unknown key; did you mean threads?" in said
    assert "argument --compute:" in refused(capsys, *NEEDED, "--compute", "{")


def test_all_of_params_yaml_is_a_section_without_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    def rendering(*, params: Params) -> None: ...

    with pytest.raises(SystemExit):
        parser(rendering).parse_args(["--params", "{}"])
    assert "params.yaml: seeds: expected a value; found none." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("[1]", "expected a JSON object; found '[1]'"),
        ("{", "expected JSON; found '{'"),
        ("1", "expected a JSON object"),
    ],
)
def test_a_dict_is_a_json_object(capsys: pytest.CaptureFixture[str], given: str, sentence: str) -> None:
    assert f"argument --settings: {sentence}" in refused(capsys, *NEEDED, "--settings", given)


def test_a_word_that_is_no_number_and_a_flag_that_is_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "argument --count: invalid int value: 'many'" in refused(capsys, *NEEDED, "--count", "many")
    assert "unrecognized arguments: --nothing" in refused(capsys, *NEEDED, "--nothing")


def failing(*, count: int) -> None:
    """Ends as its number says."""
    raise {1: ValueError("1 is too few. Ask for 2."), 2: FloatingPointError("nan"), 3: KeyError("a bug")}[count]


@pytest.mark.parametrize(("count", "said"), [("1", "error: 1 is too few. Ask for 2."), ("2", "error: nan")])
def test_an_error_ends_with_its_sentence_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: str, said: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", "--count", count])
    with pytest.raises(SystemExit) as ended:
        run(failing)
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"{said}\n"


def test_a_bug_is_not_dressed_up_as_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", "--count", "3"])
    with pytest.raises(KeyError, match="a bug"):
        run(failing)


def test_a_stage_is_called_with_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def noting(*, samples: Samples, classifier: Classifier | None = None) -> None:
        seen.update(samples=samples, classifier=classifier)

    monkeypatch.setattr(sys, "argv", ["stage", "--samples", '{"count": 100, "draws": 2}'])
    run(noting)
    assert seen == {"samples": Samples(count=100, draws=2), "classifier": None}


def stage_of(name: str) -> tuple[ModuleType, Callable[..., None]]:
    """A stage's module and function, without what checks its types in tests."""
    module = importlib.import_module(f"pipeline.stages.{name}")
    return module, inspect.unwrap(module.main)


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_has_a_command_line_with_help(name: str) -> None:
    module, main = stage_of(name)
    text = parser(main).format_help()
    assert f"python -m pipeline.stages.{name}" in text
    assert " ".join((module.__doc__ or "").split())[:40] in " ".join(text.split())
    for parameter in inspect.signature(main).parameters.values():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert re.search(rf"--{parameter.name.replace('_', '-')}\b", text)


@pytest.mark.parametrize("name", STAGES)
def test_the_names_of_files_say_what_they_are(name: str) -> None:
    """So that the rules, the command lines and the tests read alike."""
    _, main = stage_of(name)
    for parameter, kind in inspect.get_annotations(main).items():
        if kind in (Path, Path | None):
            assert parameter.endswith(("_file", "_folder", "_picture", "_table")), parameter
        elif kind == list[Path]:
            assert parameter.endswith("_files"), parameter
        elif parameter != "return":
            assert not parameter.endswith(("_file", "_files", "_folder", "_picture", "_table")), parameter
