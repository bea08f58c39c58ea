"""Kernel distance between two sets of pictures, by subsets, as it is usually reported (KID).

Unbiased MMD² with the kernel (a·b / D + 1)³ (Binkowski et al. 2018, "Demystifying MMD GANs"). On
features other than Inception's last pooling layer it must not be called KID: every result carries
the name of its features.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.matching.frechet import kernel_distance
from metasim_backend.matching.mmd import MatchingError


@dataclass(frozen=True)
class KernelDistance:
    """A kernel distance with what it varies by between subsets.

    Attributes:
        features: the sentence that names network and weights.
        mean: over subsets; unbiased, so it may be below 0 by chance.
        spread: standard deviation over subsets.
        size: pictures a subset.
        subsets: how many.
    """

    features: str
    mean: float
    spread: float
    size: int
    subsets: int

    def __str__(self) -> str:
        return (
            f"kernel distance {self.mean:.4g} ± {self.spread:.2g} on {self.features}, "
            f"{self.subsets} subsets of {self.size} pictures"
        )


def kernel_distance_by_subsets(
    x: Tensor,
    y: Tensor,
    features: str,
    generator: torch.Generator,
    *,
    size: int = 100,
    subsets: int = 100,
) -> KernelDistance:
    """Mean over random subsets of both sets, drawn without repetition within a subset.

    Args:
        x, y: [N, D] and [M, D] features.
        features: their name, such as ``FeatureExtractor.name``.
        size: pictures of either set in a subset; cut to the smaller set.
        subsets: at least 2.

    Raises:
        MatchingError: sets that cannot be compared, or fewer than two subsets or pictures in one.
    """
    size = min(size, len(x), len(y))
    if subsets < 2 or size < 2:
        raise MatchingError(
            f"{subsets} subsets of {size} pictures give no kernel distance; give at least 2 of 2."
        )
    values = torch.stack(
        [
            kernel_distance(
                x[torch.randperm(len(x), generator=generator)[:size]],
                y[torch.randperm(len(y), generator=generator)[:size]],
            )
            for _ in range(subsets)
        ]
    )
    return KernelDistance(features, float(values.mean()), float(values.std()), size, subsets)
