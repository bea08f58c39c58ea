"""By how much one detector is better than another on the same pictures, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.tasks.average_precision import Prediction, detection_score
from metasim_backend.training.seeds import derive_seed

RESAMPLED = 100
"""Draws of the test pictures."""


def paired_gain(
    labelled: Sequence[LabelledImage],
    found: Sequence[Prediction],
    other: Sequence[Prediction],
    seed: int,
    draws: int = RESAMPLED,
) -> dict[str, Any]:
    """By how many points of AP@0.5 one detector is better than another on the same pictures, with
    the 95 % interval of a bootstrap over pictures (Efron 1979); pictures are drawn for both."""

    def gain(rows: Sequence[int]) -> float:
        pictures = [labelled[row] for row in rows]
        one, two = (
            detection_score(pictures, [some[row] for row in rows]).ap50 for some in (found, other)
        )
        return 100 * (one - two)

    rng = np.random.default_rng(derive_seed(seed, "paired-gain"))
    count = len(labelled)
    drawn = [gain(rng.integers(count, size=count).tolist()) for _ in range(draws)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {"value": gain(range(count)), "interval": [float(low), float(high)]}
