"""What a run is to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Target:
    """The user's real images, split so that no picture serves two purposes.

    Attributes:
        matched: [N, 3, H, W] uint8, compared with in training.
        unseen: [M, 3, H, W] uint8, for the report alone.
        validation: what the task network is scored on (labelled images or frames), or None.
        truth: the target's true attribute values where they are known (the demo), else None.
        skipped: a sentence on each file that was left out because it cannot be used.
    """

    matched: Tensor
    unseen: Tensor
    validation: Sequence[Any] | None = None
    truth: Mapping[str, np.ndarray] | None = None
    skipped: tuple[str, ...] = ()
