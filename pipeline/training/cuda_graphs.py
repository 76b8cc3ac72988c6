"""Record a training step as a CUDA graph, and replay it without running its Python code again.

The networks here are so small that a GPU finishes a step sooner than Python can launch its kernels one by one.
"""

import abc
import contextlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

WARM_UP = 3  # steps to run before recording: libraries initialise, optimizers create their state

Step = Callable[[Tensor], Tensor]  # indices of a batch's images -> the values that the step logs


class Recorder(abc.ABC):
    """Record steps. `Cuda` is used on a GPU; tests substitute their own. `say` gets the reason for not recording."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    @abc.abstractmethod
    def waits(self) -> contextlib.AbstractContextManager[list[str]]:
        """Run the code inside, and fill the list with the source lines at which it waited for the device."""

    @abc.abstractmethod
    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Record `work` without running it.

        Returns:
            A function that runs the recorded work, and the tensor that holds its result after each run.

        Raises:
            RuntimeError: the work cannot be recorded.
        """


@dataclass(frozen=True)
class Graph:
    """Hold the recorded step of one batch size. A call copies in the batch's indices and replays the step."""

    chosen: Tensor  # indices of the batch, read by the next replay
    replay: Callable[[], None]
    logged: Tensor  # logged values, written by the last replay

    def __call__(self, chosen: Tensor) -> Tensor:
        self.chosen.copy_(chosen)
        self.replay()
        return self.logged.clone()


class Recorded:
    """Wrap a training step of `model`: run it normally at first, then record it for each batch size and replay it.

    A graph repeats kernels and nothing else. Therefore a step is never recorded if it waits for the GPU. The same holds
    if it changes a module attribute, except for tensors that it changes in place. The recorder then says why, and every
    step runs normally.
    """

    def __init__(self, model: nn.Module, step: Step, recorder: Recorder) -> None:
        self.model = model
        self.step = step
        self.recorder = recorder
        self.possible = True
        self.taken: Counter[int] = Counter()
        self.graphs: dict[int, Graph] = {}

    def __call__(self, chosen: Tensor) -> Tensor:
        # Once a batch size is warmed up and its step was observed, record the step. Recording does not run it.
        size = len(chosen)
        if self.possible and size not in self.graphs and self.taken[size] >= WARM_UP:
            self.record(chosen)

        # Replay the recorded step.
        if size in self.graphs:
            return self.graphs[size](chosen)

        # Run the step normally. The last run of the warm-up is observed for anything that a graph would not repeat.
        self.taken[size] += 1
        if not self.possible or self.taken[size] < WARM_UP:
            return self.step(chosen)
        return self.observed(chosen)

    def observed(self, chosen: Tensor) -> Tensor:
        """Run a step normally, and check that kernels are all it consists of."""
        before = attributes(self.model)
        with self.recorder.waits() as places:
            logged = self.step(chosen)
        after = attributes(self.model)
        changed = sorted(name for name in before | after if before.get(name) != after.get(name))
        if places:
            self.give_up(f"it waits for the GPU at {', '.join(dict.fromkeys(places))}")
        elif changed:
            self.give_up(f"it changes {', '.join(changed)}; a tensor that is changed in place would do")
        return logged

    def record(self, chosen: Tensor) -> None:
        """Record the step for the batch size of `chosen`; give up if that fails."""
        # A graph reads fixed memory: each replay finds its indices in `kept`.
        kept = chosen.clone()
        try:
            self.graphs[len(chosen)] = Graph(kept, *self.recorder.record(lambda: self.step(kept)))
        except RuntimeError as error:
            self.give_up(str(error).strip().splitlines()[0])

    def give_up(self, why: str) -> None:
        """Drop all graphs, run every further step normally, and say why."""
        self.possible = False
        self.graphs.clear()
        self.recorder.say(
            f"The training step cannot be recorded as a CUDA graph: {why}. It runs without one, which is slower."
        )


def attributes(model: nn.Module) -> dict[str, object]:
    """Return what the modules store outside of tensors' contents: plain values, and the addresses of tensors.

    Kernels change none of these, so a step that changes one cannot be replayed as a graph.
    """
    found: dict[str, object] = {}
    for name, module in model.named_modules():
        for key, value in (vars(module) | module._buffers | module._parameters).items():
            where = f"{name}.{key}".lstrip(".")
            if isinstance(value, Tensor):
                found[where] = value.data_ptr()
            elif value is None or isinstance(value, bool | int | float | str):
                found[where] = value
    return found


class Cuda(Recorder):
    """Record CUDA graphs on the current stream, which must not be the default one."""

    @contextlib.contextmanager
    def waits(self) -> Iterator[list[str]]:
        # Let CUDA warn of each synchronisation, and collect the lines that caused the warnings.
        places: list[str] = []
        usual = torch.cuda.get_sync_debug_mode()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                yield places
            finally:
                torch.cuda.set_sync_debug_mode(usual)
        places += [
            f"{Path(warning.filename).name}:{warning.lineno}"
            for warning in caught
            if "called a synchronizing CUDA operation" in str(warning.message)
        ]

    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
                result = work()
        except RuntimeError:
            graph.reset()  # releases the random number generator
            self.failed = graph  # keeps the graph alive, because the allocator still refers to it
            raise
        return graph.replay, result


@contextlib.contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Run the code inside on a new stream, after the work launched before and before the work launched later."""
    if device.type != "cuda":
        yield
        return
    stream, outside = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(outside)
    with torch.cuda.stream(stream):
        yield
    outside.wait_stream(stream)
