"""What `auto` becomes on which hardware, and what is refused."""

import pytest
import torch

from pipeline.core.compute import choose
from pipeline.core.params import Compute


@pytest.mark.parametrize(
    "device, gpu, gpu_multiplies, cpu_multiplies, expected",
    [
        ("auto", True, True, False, ("cuda", "bfloat16")),
        ("auto", True, False, True, ("cuda", "float32")),  # a GPU that would only emulate it
        ("auto", False, True, True, ("cpu", "bfloat16")),
        ("auto", False, False, False, ("cpu", "float32")),
        ("cpu", True, True, False, ("cpu", "float32")),
        ("cuda", True, True, False, ("cuda", "bfloat16")),
    ],
)
def test_auto_is_what_the_hardware_is_good_at(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    gpu: bool,
    gpu_multiplies: bool,
    cpu_multiplies: bool,
    expected: tuple[str, str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or gpu_multiplies
    )
    monkeypatch.setattr("pipeline.core.compute.cpu_has_bfloat16", lambda: cpu_multiplies)
    found = choose(Compute.model_validate({"device": device, "precision": "auto", "threads": 1}))
    assert (found.device.type, found.precision) == expected


def test_a_precision_that_is_asked_for_is_used_and_so_are_the_threads() -> None:
    for precision, threads in (("float32", 2), ("bfloat16", 1)):
        found = choose(Compute.model_validate({"device": "cpu", "precision": precision, "threads": threads}))
        assert found.precision == precision and torch.get_num_threads() == threads


def test_a_device_that_is_not_there_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device here"):
        choose(Compute(device="cuda", precision="auto", threads=1))
