r"""The log-ratio of two densities, part by part: over single numbers and pairs of numbers.

A density over all numbers of a feature space at once needs more pictures the more numbers there
are, and at the width that so few pictures allow it cannot tell one count from the next. Densities
over one and two numbers can. The mean over parts

    ½ (Σ_a r_a + 1/(D-1) Σ_{a<b} r_ab),   r = log p_real - log p_synthetic of that part

is the joint log-ratio where the numbers are independent, and its REINFORCE gradient descends the
same mean of Kullback-Leibler divergences, which is 0 only where all singles and pairs agree: so
counts that depend on a kind of road are learned as such. Kernels are Gaussian, of a width for each
number; a pair's is the product.

The logarithm of an estimate is too low where it rests on few pictures, and the lower the fewer and
the rarer what is there. With fewer real pictures than synthetic ones the ratio would be too low
wherever pictures are rare, and what is rare would be learned as rarer still. Then the synthetic
density is estimated from groups of as many pictures as there are real ones, and the logarithms are
averaged over the groups: both sides err alike.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from metasim_backend.distances.mmd import MatchingError


class PairedDensity:
    """Densities of real pictures, to compare synthetic ones with.

    Args:
        real: [M, D] features.
        least: [D] the least width of each number's kernel: what is finer cannot be read.
        limit: largest and, with a minus, least log-ratio of a part; 0: none.

    The width of a number is Silverman's rule for M pictures in two dimensions, with the smaller of
    the standard deviation and the interquartile range / 1.34, but at least ``least``.
    """

    def __init__(self, real: Tensor, least: Tensor, limit: float = 0.0) -> None:
        if real.ndim != 2 or len(real) < 2 or least.shape != real.shape[1:]:
            raise MatchingError(
                f"Features of shape {tuple(real.shape)} with {tuple(least.shape)} widths give no "
                "densities; give [M, D], M >= 2, and [D]."
            )
        self.real = real
        self.limit = limit
        quartiles = torch.quantile(real, torch.tensor([0.25, 0.75]).to(real), 0)
        spread = torch.minimum(real.std(0), (quartiles[1] - quartiles[0]) / 1.34)
        self.width = torch.maximum(spread * len(real) ** (-1 / 6), least).clamp_min(1e-6)

    @torch.no_grad()
    def log_ratio(self, synthetic: Tensor, chosen: Tensor | None = None) -> Tensor:
        """[N]: the mean over parts of log p_real - log p_synthetic at each synthetic picture, the
        latter without itself.

        Args:
            synthetic: [N, D], N >= 2.
            chosen: indices of the real pictures that the real density rests on; None: all.

        Raises:
            MatchingError: when the shapes do not fit.
        """
        if synthetic.ndim != 2 or synthetic.shape[1:] != self.real.shape[1:] or len(synthetic) < 2:
            raise MatchingError(
                f"Features of shape {tuple(synthetic.shape)} cannot be compared with those of "
                f"shape {tuple(self.real.shape)}; give at least two of as many numbers."
            )
        # [D, N, M] and [D, N, N] exponents of single kernels; those of pairs are sums.
        real = self.real if chosen is None else self.real[chosen]
        to_real = self._exponents(synthetic, real)
        to_own = self._exponents(synthetic, synthetic)
        to_own.diagonal(dim1=1, dim2=2).fill_(-math.inf)
        groups = _groups(len(synthetic), len(real)).to(synthetic.device)
        size = synthetic.shape[1]
        singles = torch.stack([self._part(to_real[a], to_own[a], groups) for a in range(size)]).sum(
            0
        )
        if size == 1:
            return singles
        pairs = torch.zeros_like(singles)
        for a in range(size):
            for b in range(a + 1, size):
                pairs += self._part(to_real[a] + to_real[b], to_own[a] + to_own[b], groups)
        return 0.5 * (singles + pairs / (size - 1))

    def _exponents(self, x: Tensor, y: Tensor) -> Tensor:
        difference = (x / self.width).T[:, :, None] - (y / self.width).T[:, None, :]
        return -0.5 * difference.square()

    def _part(self, to_real: Tensor, to_own: Tensor, groups: Tensor) -> Tensor:
        real = torch.logsumexp(to_real, 1) - math.log(to_real.shape[1])
        # [N, K]: in each group, without the picture itself where it belongs to it.
        each = to_own[:, groups]
        others = (each > -math.inf).to(each).sum(2).clamp_min(1)
        own = torch.logsumexp(each, 2) - others.log()
        # Where no picture of either side is near, both are zero and nothing is known.
        ratio = torch.nan_to_num(real[:, None] - own, nan=0.0)
        return (ratio.clamp(-self.limit, self.limit) if self.limit > 0 else ratio).mean(1)


def _groups(count: int, size: int) -> Tensor:
    """[K, size] disjoint groups of `count` synthetic pictures, whose order says nothing; one of
    all where no two are to be had."""
    if count < 2 * size:
        return torch.arange(count)[None]
    return torch.arange(count // size * size).view(-1, size)
