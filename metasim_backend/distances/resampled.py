"""Distances of resampled sets of pictures, from inner products that are taken once.

A bootstrap asks for the same distances hundreds of times, each of other choices from the same
pictures. All of them depend on features through their inner products alone, so that of N pictures
with D features a choice costs N² or N³ and never D.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from metasim_backend.distances.frechet import paired
from metasim_backend.distances.mmd import SCALES, mixture_kernel


@dataclass(frozen=True, eq=False)
class InnerProducts:
    """Inner products of two sets of features, float64.

    Attributes:
        first: [N, N] within the first set.
        second: [M, M] within the second.
        across: [N, M] of the first with the second.
        dimension: D, of the features.
    """

    first: Tensor
    second: Tensor
    across: Tensor
    dimension: int

    @classmethod
    def of(cls, x: Tensor, y: Tensor) -> InnerProducts:
        """Of [N, D] and [M, D] features.

        Raises:
            MatchingError: too few vectors or different D.
        """
        x, y = paired(x, y)
        return cls(x @ x.T, y @ y.T, x @ y.T, x.shape[1])

    def chosen(self, rows: np.ndarray, columns: np.ndarray) -> InnerProducts:
        """Of the first set's vectors ``rows`` and the second's ``columns``, any of them several
        times."""
        i, j = torch.from_numpy(rows), torch.from_numpy(columns)
        return InnerProducts(
            self.first[i][:, i], self.second[j][:, j], self.across[i][:, j], self.dimension
        )

    def kernel_distance(self) -> float:
        """:func:`~metasim_backend.distances.frechet.kernel_distance` of the two sets."""
        n, m = self.across.shape
        xx, yy, xy = (
            (products / self.dimension + 1) ** 3
            for products in (self.first, self.second, self.across)
        )
        return float(
            (xx.sum() - xx.diagonal().sum()) / (n * (n - 1))
            + (yy.sum() - yy.diagonal().sum()) / (m * (m - 1))
            - 2 * xy.mean()
        )

    def bandwidths(self) -> Tensor:
        """:func:`~metasim_backend.distances.mmd.median_bandwidths` of the second set."""
        pairs = np.triu_indices(len(self.second), 1)
        median = np.median(_squared_distances(self.second).numpy()[pairs].clip(min=0) ** 0.5)
        return float(median) * torch.tensor(SCALES, dtype=self.second.dtype)

    def mmd2(self, bandwidths: Tensor) -> float:
        """:func:`~metasim_backend.distances.mmd.mmd2_unbiased` of the two sets."""
        n, m = self.across.shape
        own = self.first.diagonal()[:, None] + self.second.diagonal()[None, :]
        xx, yy, xy = (
            mixture_kernel(squared, bandwidths)
            for squared in (
                _squared_distances(self.first),
                _squared_distances(self.second),
                own - 2 * self.across,
            )
        )
        return float(
            (xx.sum() - n) / (n * (n - 1)) + (yy.sum() - m) / (m * (m - 1)) - 2 * xy.mean()
        )

    def frechet_distance(self) -> float:
        """:func:`~metasim_backend.distances.frechet.frechet_distance` of the two sets."""
        n, m = self.across.shape
        means = self.first.mean() + self.second.mean() - 2 * self.across.mean()
        spreads = _spread(self.first) + _spread(self.second)
        centred = (
            self.across
            - self.across.mean(0, keepdim=True)
            - self.across.mean(1, keepdim=True)
            + self.across.mean()
        ) / ((n - 1) * (m - 1)) ** 0.5
        return float(means + spreads - 2 * torch.linalg.svdvals(centred).sum())


def _squared_distances(products: Tensor) -> Tensor:
    """[N, N] between vectors with these inner products."""
    norms = products.diagonal()
    return norms[:, None] + norms[None, :] - 2 * products


def _spread(products: Tensor) -> Tensor:
    """The trace of the covariance of vectors with these inner products."""
    count = len(products)
    return (products.diagonal().sum() - count * products.mean()) / (count - 1)
