"""By how much one detector is better than another on the same pictures, with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.tasks.average_precision import Prediction, resampled_ap50
from metasim_backend.training.seeds import derive_seed

RESAMPLED = 1000
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

    rng = np.random.default_rng(derive_seed(seed, "paired-gain"))
    count = len(labelled)
    drawn = [range(count), *rng.integers(count, size=(draws, count)).tolist()]
    one, two = (100 * np.array(resampled_ap50(labelled, some, drawn)) for some in (found, other))
    value, *gains = one - two
    low, high = np.quantile(gains, (0.025, 0.975))
    return {"value": float(value), "interval": [float(low), float(high)]}


def gains_of_seeds(
    contents: Sequence[Mapping[str, Any]], seeds: Sequence[int]
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Each seed's ``gains`` by name, and a sentence for each of them."""
    gains = {name: [one["gains"][name] for one in contents] for name in contents[0]["gains"]}
    notes = [
        f"seed {seed}, {name.replace('/', ': ')}: {one['value']:+.1f} points "
        f"[{one['interval'][0]:+.1f}, {one['interval'][1]:+.1f}] over the test pictures"
        for name, some in gains.items()
        for seed, one in zip(seeds, some, strict=True)
    ]
    return gains, notes
