"""Numbers that are gathered while something runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class Log:
    """One row a moment, one column a quantity; every row has the same columns."""

    columns: list[str] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)

    def append(self, values: Mapping[str, float]) -> None:
        """Add a row. The first one names the columns."""
        self.columns[:] = values
        self.rows.append(list(values.values()))

    def state(self) -> dict[str, Tensor]:
        """Each column under its numbered name: a file of tensors has no order."""
        return {
            f"{i:04d} {name}": torch.tensor([row[i] for row in self.rows], dtype=torch.float64)
            for i, name in enumerate(self.columns)
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Become what `state()` was taken of."""
        columns = sorted(state.items())
        self.columns[:] = [name.split(" ", 1)[1] for name, _ in columns]
        self.rows[:] = torch.stack([values for _, values in columns], dim=1).tolist() if columns else []
