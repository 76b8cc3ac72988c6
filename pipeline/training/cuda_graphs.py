"""A training step as a CUDA graph: recorded once, then replayed with nothing left to do for Python.

The networks here are so small that a GPU finishes a step sooner than Python launches its kernels one by one.
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

WARM_UP = 3  # steps of a batch size before it is recorded: libraries set themselves up, optimisers make their state

Step = Callable[[Tensor], Tensor]  # indices of a batch's images -> what it logs


class Recorder(abc.ABC):
    """What records steps: `Cuda`, or what tests put in its place. `say` is told why a step is not recorded."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    @abc.abstractmethod
    def waits(self) -> contextlib.AbstractContextManager[list[str]]:
        """Run the work inside; the list then has the places where it waited for the device."""

    @abc.abstractmethod
    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Record `work` without doing it; return what does it, into the same memory each time, and its result there.

        Raises:
            RuntimeError: it can't be recorded.
        """


@dataclass(frozen=True)
class Graph:
    """The recorded step of one batch size."""

    chosen: Tensor  # what the next replay reads
    replay: Callable[[], None]
    logged: Tensor  # what the last replay wrote

    def __call__(self, chosen: Tensor) -> Tensor:
        self.chosen.copy_(chosen)
        self.replay()
        return self.logged.clone()


class Recorded:
    """A step of `model` that is taken as it is at first, and then recorded and replayed, for each batch size.

    A graph repeats kernels and nothing else. So a step that waits for the GPU, or leaves something in an attribute
    other than in place in a tensor, is never recorded: the recorder says so, and all steps are taken as they are.
    """

    def __init__(self, model: nn.Module, step: Step, recorder: Recorder) -> None:
        self.model = model
        self.step = step
        self.recorder = recorder
        self.possible = True
        self.taken: Counter[int] = Counter()
        self.graphs: dict[int, Graph] = {}

    def __call__(self, chosen: Tensor) -> Tensor:
        size = len(chosen)
        if self.possible and size not in self.graphs and self.taken[size] >= WARM_UP:
            self.record(chosen)
        if size in self.graphs:
            return self.graphs[size](chosen)
        self.taken[size] += 1
        if not self.possible or self.taken[size] < WARM_UP:
            return self.step(chosen)
        return self.observed(chosen)

    def observed(self, chosen: Tensor) -> Tensor:
        """Take a step and see whether there is more to it than kernels."""
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
        kept = chosen.clone()
        try:
            self.graphs[len(chosen)] = Graph(kept, *self.recorder.record(lambda: self.step(kept)))
        except RuntimeError as error:
            self.give_up(str(error).strip().splitlines()[0])

    def give_up(self, why: str) -> None:
        self.possible = False
        self.graphs.clear()
        self.recorder.say(
            f"A step can't be recorded as a CUDA graph: {why}. Each is launched from Python, more slowly."
        )


def attributes(model: nn.Module) -> dict[str, object]:
    """What the modules keep that no kernel writes: plain values, and where their tensors lie."""
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
    """Records CUDA graphs on the present stream, which must not be the default one."""

    @contextlib.contextmanager
    def waits(self) -> Iterator[list[str]]:
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
            graph.reset()  # the generator of random numbers is free again
            self.failed = graph  # the allocator goes on asking it what is its own
            raise
        return graph.replay, result


@contextlib.contextmanager
def own_stream(device: torch.device) -> Iterator[None]:
    """Do the work inside on a stream of its own, between what was and what will be launched outside."""
    if device.type != "cuda":
        yield
        return
    stream, outside = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(outside)
    with torch.cuda.stream(stream):
        yield
    outside.wait_stream(stream)
