"""Collect numbers while something runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Log:
    """Hold a table with one row per step or diagnostic, and one column per quantity; all rows have the same columns."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)

    def append(self, values: Mapping[str, float]) -> None:
        """Add a row. The first row names the columns."""
        self.columns[:] = values
        self.rows.append(list(values.values()))

    def state(self) -> dict[str, Tensor]:
        """Return the columns as tensors. Their names are numbered, because a file of tensors keeps no order."""
        return {
            f"{i:04d} {name}": torch.tensor([row[i] for row in self.rows], dtype=torch.float64)
            for i, name in enumerate(self.columns)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Replace the contents by those that `state()` returned."""
        columns = sorted(state.items())
        self.columns[:] = [name.split(" ", 1)[1] for name, _ in columns]
        self.rows[:] = torch.stack([values for _, values in columns], dim=1).tolist() if columns else []
