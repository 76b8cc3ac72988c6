"""What a CUDA graph is, on a CPU: kernels that are noted with the memory they read and write, and then repeated."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pipeline.training.cuda_graphs import Recorder

WAITS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default}  # the CPU needs their result


class CpuGraphs(Recorder):
    """A `Recorder` that keeps to CUDA's rules: recording does nothing, and what waits for a result can't be recorded.

    Unless it is `attentive`, waits are noticed by the recording only, as those are that torch does not look for.
    """

    def __init__(self, attentive: bool = True) -> None:
        self.attentive = attentive
        self.said: list[str] = []
        self.recorded = 0
        self.replayed = 0
        super().__init__(self.said.append)

    @contextlib.contextmanager
    def waits(self) -> Iterator[list[str]]:
        with Waits() as waits:
            yield waits.places
        if not self.attentive:
            waits.places.clear()

    def record(self, work: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        randomness, recording = torch.get_rng_state(), Recording()
        try:
            with recording:
                result = work()
        finally:
            recording.undo()
            torch.set_rng_state(randomness)
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            recording.replay()

        return replay, result


class Waits(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            self.places.append(func.name())
        return func(*args, **(kwargs or {}))


class Recording(TorchDispatchMode):
    """Notes each kernel, and what memory from outside held before."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[tuple[Any, Any, Any, list[tuple[int, Tensor]]]] = []
        self.inside: set[int] = set()  # memory that the recording made; kept alive by `kernels`
        self.outside: dict[int, tuple[Tensor, Tensor]] = {}  # memory it found: as a tensor, and a copy

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in WAITS:
            raise RuntimeError("operation not permitted when stream is capturing")
        for tensor in tensors((args, kwargs)):
            memory = tensor.untyped_storage()
            if memory.data_ptr() not in self.inside | self.outside.keys():
                whole = torch.empty(0, dtype=torch.uint8).set_(memory)
                self.outside[memory.data_ptr()] = whole, whole.clone()
        out = func(*args, **kwargs)
        if func.namespace == "profiler":
            return out
        returns = func._schema.returns
        new = [  # neither a view nor an argument: what a replay has to put where it was
            (place, value)
            for place, (value, what) in enumerate(zip([out] if len(returns) == 1 else out or [], returns, strict=True))
            if isinstance(value, Tensor) and what.alias_info is None
        ]
        self.inside |= {value.untyped_storage().data_ptr() for _, value in new}
        self.kernels.append((func, args, kwargs, new))
        return out

    def undo(self) -> None:
        for memory, before in self.outside.values():
            memory.copy_(before)

    def replay(self) -> None:
        with torch.no_grad():
            for func, args, kwargs, new in self.kernels:
                out = func(*args, **kwargs)
                for place, value in new:
                    found = out[place] if len(func._schema.returns) > 1 else out
                    value.copy_(found.view_as(value))  # in another shape, where the step has reshaped it in place


def tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
