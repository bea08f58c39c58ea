"""Rows compared with photographs: distances, and gains with intervals over resampled pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor

from metasim_backend.distances.resampled import InnerProducts
from metasim_backend.statistics.histograms import count_shares, total_variation
from metasim_backend.statistics.intervals import percentile_interval

RESAMPLED = 500  # times, for an interval
TRUTH = "total variation of the number of vehicles"
Chosen = Mapping[str, np.ndarray]
Measure = Callable[[Chosen, np.ndarray], dict[str, float]]
"""Distances by row, of chosen pictures of each row to chosen photographs."""


@dataclass(frozen=True, eq=False)
class RowFeatures:
    """Pictures of all rows in one network's features.

    Attributes:
        names: what the Fréchet and the kernel distance on them are called.
        photographs: [N, D].
        rows: [M, D] by row.
    """

    names: tuple[str, str]
    photographs: Tensor
    rows: Mapping[str, Tensor]


def compared(
    counts: Mapping[str, np.ndarray],
    truth: np.ndarray | None,
    features: Mapping[str, RowFeatures],
    best: str,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """``rows`` with mean, histogram and distances, and ``gains``: how much lower the distances of
    one row are than the others', with percentile intervals of a bootstrap over pictures.

    Only gains have intervals: a picture that is drawn twice is like itself, which raises a
    distance, but that of all rows alike.

    Args:
        counts: by row, vehicles in each picture.
        truth: vehicles in each real frame, or None.
        features: by the network's name.
        best: the row whose gains are wanted.
        rng: draws the samples.
    """
    rows: dict[str, dict[str, Any]] = {
        row: {
            "mean": float(numbers.mean()),
            "histogram": count_shares(numbers).tolist(),
            "distances": {},
        }
        for row, numbers in counts.items()
    }
    photographed = max((len(one.photographs) for one in features.values()), default=1)
    whole = {row: np.arange(len(numbers)) for row, numbers in counts.items()}
    gains: dict[str, dict[str, Any]] = {}
    for name, measure in _measures(counts, truth, features).items():
        distances = measure(whole, np.arange(photographed))
        again = [
            measure(
                {row: rng.integers(len(own), size=len(own)) for row, own in counts.items()},
                rng.integers(photographed, size=photographed),
            )
            for _ in range(RESAMPLED)
        ]
        for row, value in distances.items():
            rows[row]["distances"][name] = value
        gains[name] = {
            against: {
                "value": distances[against] - distances[best],
                "interval": percentile_interval([one[against] - one[best] for one in again]),
            }
            for against in distances
            if against != best
        }
    return {"rows": rows, "gains": gains}


def _measures(
    counts: Mapping[str, np.ndarray],
    truth: np.ndarray | None,
    features: Mapping[str, RowFeatures],
) -> dict[str, Measure]:
    measures: dict[str, Measure] = {}
    if truth is not None:
        measures[TRUTH] = _number_measure(counts, truth)
    for name, one in features.items():
        products = {row: InnerProducts.of(made, one.photographs) for row, made in one.rows.items()}
        mmd2 = partial(InnerProducts.mmd2, bandwidths=next(iter(products.values())).bandwidths())
        distances: tuple[Callable[[InnerProducts], float], ...]
        distances = (InnerProducts.frechet_distance, InnerProducts.kernel_distance, mmd2)
        for kind, distance in zip((*one.names, "MMD²"), distances, strict=True):
            measures[f"{kind} on {name}"] = _feature_measure(distance, products)
    return measures


def _number_measure(counts: Mapping[str, np.ndarray], truth: np.ndarray) -> Measure:
    shares = count_shares(truth)

    def measure(chosen: Chosen, _: np.ndarray) -> dict[str, float]:
        return {
            row: total_variation(count_shares(numbers[chosen[row]]), shares)
            for row, numbers in counts.items()
        }

    return measure


def _feature_measure(
    distance: Callable[[InnerProducts], float], products: Mapping[str, InnerProducts]
) -> Measure:
    def measure(chosen: Chosen, real: np.ndarray) -> dict[str, float]:
        return {row: distance(one.chosen(chosen[row], real)) for row, one in products.items()}

    return measure
