"""What the Snakefile asks of the machine."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake.exceptions import WorkflowError

from pipeline.core.params import Compute
from pipeline.workflow import orchestration
from pipeline.workflow.orchestration import has_gpu


@pytest.mark.parametrize(
    ("threads", "cores", "processors", "expected"),
    [(1, 4, 2, 2), (2, 4, 2, 4), (2, 2, 2, 2), (1, 4, 8, 1), (2, 8, 8, 2), (2, 3, 2, 3), (2, None, 8, 2)],
)
def test_trainings_side_by_side_have_as_many_threads_as_there_are_processors(
    threads: int, cores: int | None, processors: int, expected: int
) -> None:
    assert orchestration.share(threads, cores, processors) == expected


AUTO = Compute(device="auto", precision="auto", threads=1)


class Machine:
    """A machine of which /dev hints at a GPU or does not, and torch answers as it likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.hints: list[Path] = []
        self.answer = "True"
        self.asked = 0
        glob = Path.glob
        monkeypatch.setattr(
            Path, "glob", lambda path, pattern: self.hints if path == Path("/dev") else glob(path, pattern)
        )
        monkeypatch.setattr(subprocess, "run", self.run)
        monkeypatch.setattr(orchestration, "GPU", folder / "gpu")
        for name in orchestration.VISIBLE:
            monkeypatch.delenv(name, raising=False)

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert "torch.cuda.is_available()" in command[-1]
        self.asked += 1
        return subprocess.CompletedProcess(command, 0, f"{self.answer}\n", "")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(monkeypatch, tmp_path)


def test_without_a_hint_torch_is_not_asked(machine: Machine) -> None:
    assert not has_gpu(AUTO) and machine.asked == 0


@pytest.mark.parametrize("answer", ["True", "False"])
def test_with_a_hint_torch_answers_once(machine: Machine, answer: str) -> None:
    machine.hints, machine.answer = [Path("/dev/nvidia0")], answer
    assert [has_gpu(AUTO), has_gpu(AUTO)] == [answer == "True"] * 2
    assert machine.asked == 1, "its answer should be kept"


def test_a_run_on_the_cpu_has_no_gpu_whatever_is_there(machine: Machine) -> None:
    machine.hints = [Path("/dev/nvidia0")]
    assert not has_gpu(AUTO.model_copy(update={"device": "cpu"})) and machine.asked == 0


def test_an_answer_of_another_machine_or_choice_of_devices_does_not_count(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.hints = [Path("/dev/nvidia0")]
    assert has_gpu(AUTO)
    machine.answer = "False"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not has_gpu(AUTO) and machine.asked == 2
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert not has_gpu(AUTO) and machine.asked == 3
    assert len(json.loads(orchestration.GPU.read_text())) == 1


def test_a_torch_that_cannot_be_asked_has_no_gpu(machine: Machine) -> None:
    machine.hints, machine.answer = [Path("/dev/kfd")], ""
    assert not has_gpu(AUTO)


def test_a_folder_without_git_runs_and_says_what_dvc_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_STAGE", raising=False)
    settings = SimpleNamespace(targets=set(), until=set(), omit_from=set(), config=[], configfiles=[])
    orchestration.record(SimpleNamespace(dag_settings=settings, config_settings=settings, touch=False))  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert "The results are complete" in said and "git init" in said and "dvc commit" in said


def test_folders_that_dvc_asks_for_are_there_and_pass_for_no_results(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    outs = [{"results/cas": {"persist": True}}, {"results/metrics.csv": {"persist": True}}]
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"report": {"outs": outs}}}))
    locked = {"stages": {"report": {"outs": [{"path": "results/cas"}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(locked))
    orchestration.make_out_folders()
    assert (tmp_path / "results" / "cas").is_dir() and not (tmp_path / "results" / "metrics.csv").exists()
    orchestration.require_records()
    (tmp_path / "results" / "cas" / "0.csv").touch()
    with pytest.raises(WorkflowError, match="Results are here, but not"):
        orchestration.require_records()
