"""When steps are recorded, and what happens where they can't be. contract.py asks for those of each family."""

import warnings
from collections.abc import Iterator
from unittest.mock import MagicMock

import pytest
import torch
from contract import FLOAT32, digits
from cpu_graphs import CpuGraphs
from torch import Tensor

from pipeline.core.shapes import as_pixels
from pipeline.models.base import Objective
from pipeline.models.vae import Vae
from pipeline.training import loop
from pipeline.training.cuda_graphs import Cuda

PIXELS = as_pixels(digits(100))


class Warming(Vae):
    """Its KL term comes in little by little, as counted in Python."""

    steps = 0

    def objectives(self, images: Tensor) -> Iterator[Objective]:
        self.steps += 1
        for objective in super().objectives(images):
            terms = {**objective.losses, "kl": objective.losses["kl"] * min(1, self.steps / 10)}
            yield Objective(objective.trains, terms)


class Remembering(Vae):
    """It watches how far the mean of the images is from the last batch's, in a new tensor each time."""

    def __init__(self, config: Vae.Config) -> None:
        super().__init__(config)
        self.register_buffer("last", torch.zeros(()))

    def objectives(self, images: Tensor) -> Iterator[Objective]:
        for objective in super().objectives(images):
            yield Objective(objective.trains, objective.losses, {"moved": images.mean() - self.last})
        self.last = images.mean()


class Asking(Vae):
    """It decides in Python what to log."""

    def objectives(self, images: Tensor) -> Iterator[Objective]:
        for objective in super().objectives(images):
            yield Objective(
                objective.trains, objective.losses, {"bright": torch.tensor(float(images.mean().item() > 0.5))}
            )


def trained(kind: type[Vae], recorder: CpuGraphs | None) -> tuple[list[list[float]], dict[str, Tensor]]:
    torch.manual_seed(0)
    model = kind(Vae.Config(epochs=4, batch_size=25))
    history = loop.train(model, PIXELS, FLOAT32, 0, lambda progress: None, recorder=recorder)
    return history.rows, model.state_dict()


@pytest.mark.parametrize(
    "kind, attentive, why",
    [
        (Warming, True, "it changes steps; a tensor that is changed in place would do"),
        (Remembering, True, "it changes last; a tensor that is changed in place would do"),
        (Asking, True, "it waits for the GPU at aten::_local_scalar_dense"),
        (Asking, False, "operation not permitted when stream is capturing"),
    ],
)
def test_a_step_that_a_graph_could_not_repeat_is_never_replayed(kind: type[Vae], attentive: bool, why: str) -> None:
    graphs = CpuGraphs(attentive)
    (rows, weights), (expected_rows, expected) = trained(kind, graphs), trained(kind, None)
    assert graphs.said == [
        f"The training step cannot be recorded as a CUDA graph: {why}. It runs without one, which is slower."
    ]
    assert graphs.replayed == 0 and rows == expected_rows
    assert all(torch.equal(value, expected[name]) for name, value in weights.items())


@pytest.mark.parametrize("kind", [Warming, Remembering])
def test_replays_of_such_a_step_would_go_astray(kind: type[Vae], monkeypatch: pytest.MonkeyPatch) -> None:
    """So the stand-in for graphs keeps to their rules."""
    monkeypatch.setattr("pipeline.training.cuda_graphs.attributes", lambda model: {})
    graphs = CpuGraphs()
    assert trained(kind, graphs)[0] != trained(kind, None)[0]
    assert graphs.replayed == 13 and not graphs.said


def test_the_first_steps_are_taken_as_they_are_and_the_others_replayed() -> None:
    graphs = CpuGraphs()
    (rows, weights), (expected_rows, expected) = trained(Vae, graphs), trained(Vae, None)
    assert (graphs.recorded, graphs.replayed, graphs.said) == (1, 13, [])
    assert rows == expected_rows and all(torch.equal(value, expected[name]) for name, value in weights.items())


def test_the_places_where_a_step_waits_are_torchs_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[object] = []
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", modes.append)
    with Cuda(print).waits() as places:
        warnings.warn("called a synchronizing CUDA operation", UserWarning, stacklevel=1)
        warnings.warn("something else", UserWarning, stacklevel=1)
    assert len(places) == 1 and places[0].startswith("test_cuda_graphs.py:")
    assert modes == ["warn", 0]


def test_a_recording_that_fails_gives_back_what_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDAGraph", "graph", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, MagicMock())
    torch.cuda.graph.return_value.__exit__.return_value = False  # type: ignore[attr-defined]
    recorder = Cuda(print)
    replay, result = recorder.record(lambda: torch.ones(2))
    assert replay is torch.cuda.CUDAGraph.return_value.replay and result.tolist() == [1, 1]  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="not permitted"):
        recorder.record(MagicMock(side_effect=RuntimeError("not permitted")))
    recorder.failed.reset.assert_called_once()  # type: ignore[attr-defined]
