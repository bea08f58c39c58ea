"""Squared maximum mean discrepancy between two sets of feature vectors.

    MMD²(X, Y) = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)

(Gretton et al., "A Kernel Two-Sample Test", JMLR 2012, eq. 3 and lemma 6). The 2 belongs there: the
formula printed in the Meta-Sim paper lacks it, without which equal sets would not be at 0. The
kernel is a mixture of Gaussians, each σ a length in feature space:

    k(a, b) = 1/S Σ_s exp(-|a - b|² / (2 σ_s²))

so that k(a, a) = 1. Distances come from Gram matrices, |a - b|² = |a|² + |b|² - 2 a·b: memory is
N x M, never N x M x D.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
_MEDIAN_ROWS = 2000


class MatchingError(ValueError):
    """Feature sets between which no distance can be computed."""


def mmd2_unbiased(x: Tensor, y: Tensor, bandwidths: Sequence[float] | Tensor) -> Tensor:
    """Unbiased estimate of MMD²: pairs of a vector with itself are left out; can be negative.

    Args:
        x: [N, D] features, N >= 2; gradients flow to it (and to y).
        y: [M, D] features, M >= 2.
        bandwidths: σ of each Gaussian, in the features' unit.

    Returns:
        A scalar tensor.

    Raises:
        MatchingError: too few vectors, different D, or a bandwidth that is not positive.
    """
    _check(x, y, least=2)
    sigmas = _sigmas(bandwidths, x)
    x, y = _centred(x, y)
    return (
        _mean_within(x, sigmas, unbiased=True)
        + _mean_within(y, sigmas, unbiased=True)
        - 2 * _kernel(x, y, sigmas).mean()
    )


def mmd2_biased(x: Tensor, y: Tensor, bandwidths: Sequence[float] | Tensor) -> Tensor:
    """MMD² between the two empirical distributions (the V-statistic): 0 for equal sets, never
    negative, and too large on average. Arguments, result and errors as :func:`mmd2_unbiased`, but
    one vector a set is enough."""
    _check(x, y, least=1)
    sigmas = _sigmas(bandwidths, x)
    x, y = _centred(x, y)
    return (
        _mean_within(x, sigmas, unbiased=False)
        + _mean_within(y, sigmas, unbiased=False)
        - 2 * _kernel(x, y, sigmas).mean()
    )


def median_bandwidths(y: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
    """Bandwidths round the median distance between two different vectors of a set.

    Args:
        y: [M, D], M >= 2; of more than 2,000 vectors 2,000 evenly spaced ones are used.
        scales: factors of the median.

    Returns:
        [len(scales)] tensor of y's type; it carries no gradient.

    Raises:
        MatchingError: fewer than two vectors, or more than half of all pairs are equal.
    """
    _check(y, y, least=2)
    y = y.detach()
    if len(y) > _MEDIAN_ROWS:
        y = y[torch.linspace(0, len(y) - 1, _MEDIAN_ROWS, device=y.device).long()]
    median = torch.quantile(torch.pdist(y), 0.5)
    if not float(median) > 0:
        raise MatchingError(
            f"The median distance between the {len(y)} reference feature vectors is "
            f"{float(median)}; give pictures that differ from one another."
        )
    return median * torch.as_tensor(scales, dtype=y.dtype, device=y.device)


class MMD(nn.Module):
    """Unbiased MMD² to a fixed set of real features.

    What depends on the real side alone, the mean of its Gram matrix and the bandwidths, is
    computed once. Shapes: forward takes [N, D] and gives a scalar.

    Args:
        real: [M, D] features of the real images; detached and kept.
        bandwidths: σ of each Gaussian; None: round the median distance of the real features.

    Raises:
        MatchingError: as :func:`mmd2_unbiased` and :func:`median_bandwidths`.
    """

    real: Tensor
    bandwidths: Tensor
    real_mean: Tensor

    def __init__(self, real: Tensor, bandwidths: Sequence[float] | Tensor | None = None) -> None:
        super().__init__()
        _check(real, real, least=2)
        real = real.detach().clone()
        sigmas = median_bandwidths(real) if bandwidths is None else _sigmas(bandwidths, real)
        centre = real.mean(0)
        self.register_buffer("centre", centre)
        self.register_buffer("real", real - centre)
        self.register_buffer("bandwidths", sigmas)
        self.register_buffer("real_mean", _mean_within(real - centre, sigmas, unbiased=True))

    def forward(self, x: Tensor) -> Tensor:
        """Unbiased MMD² between ``x`` [N, D], N >= 2, and the real features."""
        _check(x, self.real, least=2)
        x = x - self.centre  # type: ignore[operator]
        return (
            _mean_within(x, self.bandwidths, unbiased=True)
            + self.real_mean
            - 2 * _kernel(x, self.real, self.bandwidths).mean()
        )

    @torch.no_grad()
    def witness(self, x: Tensor) -> Tensor:
        """[N]: each vector's part of MMD², 2 mean_j≠i k(x_i, x_j) - 2 mean_j k(x_i, y_j).

        Large where there are many of x and few real ones: what a score-function gradient of MMD²
        weighs each sample's log-probability with.
        """
        _check(x, self.real, least=2)
        x = x - self.centre  # type: ignore[operator]
        within = _kernel(x, x, self.bandwidths)
        others = (within.sum(1) - within.diagonal()) / (len(x) - 1)
        return 2 * (others - _kernel(x, self.real, self.bandwidths).mean(1))

    def extra_repr(self) -> str:
        return f"real={tuple(self.real.shape)}, bandwidths={self.bandwidths.tolist()}"


def _check(x: Tensor, y: Tensor, least: int) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise MatchingError(
            f"Feature sets of shapes {tuple(x.shape)} and {tuple(y.shape)} cannot be compared; "
            "give [N, D] and [M, D]."
        )
    fewest = min(len(x), len(y))
    if fewest < least:
        raise MatchingError(f"A feature set has {fewest} vectors; at least {least} are needed.")


def _sigmas(bandwidths: Sequence[float] | Tensor, like: Tensor) -> Tensor:
    sigmas = torch.as_tensor(bandwidths, dtype=like.dtype, device=like.device).reshape(-1)
    if len(sigmas) == 0 or not bool((sigmas > 0).all()):
        raise MatchingError(f"Bandwidths {sigmas.tolist()} are not all positive lengths.")
    return sigmas


def _centred(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    # Distances do not change, and |a|² + |b|² - 2 a·b loses less of a float's digits near 0.
    centre = y.detach().mean(0)
    return x - centre, y - centre


def _kernel(x: Tensor, y: Tensor, sigmas: Tensor) -> Tensor:
    """[N, M] values of the mixture kernel."""
    squared = x.square().sum(1)[:, None] + y.square().sum(1)[None, :] - 2 * (x @ y.T)
    return mixture_kernel(squared, sigmas)


def mixture_kernel(squared: Tensor, sigmas: Tensor) -> Tensor:
    """The kernel's values at squared distances, which rounding may have brought below 0."""
    squared = squared.clamp_min(0)
    total = torch.zeros_like(squared)
    for sigma in sigmas:
        total = total + torch.exp(squared / (-2 * sigma.square()))
    return total / len(sigmas)


def _mean_within(x: Tensor, sigmas: Tensor, unbiased: bool) -> Tensor:
    kernel = _kernel(x, x, sigmas)
    if not unbiased:
        # The diagonal is exactly 1; from the Gram matrix it has rounding errors.
        off = kernel.sum() - kernel.diagonal().sum()
        return (off + len(x)) / len(x) ** 2
    return (kernel.sum() - kernel.diagonal().sum()) / (len(x) * (len(x) - 1))
