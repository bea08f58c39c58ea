"""The bootstrap (Efron, Bootstrap Methods: Another Look at the Jackknife, 1979) on tensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

DRAWS = 200


def resampled(count: int, source: torch.Generator) -> list[Tensor]:
    """DRAWS index tensors [count], drawn with replacement."""
    return [torch.randint(count, (count,), generator=source) for _ in range(DRAWS)]


def standard_error(values: Sequence[float]) -> float:
    """The standard deviation (n - 1) of a statistic over the bootstrap's draws."""
    return float(torch.tensor(values, dtype=torch.float64).std())
