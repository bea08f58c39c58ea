"""Kernel density estimates in feature space, and the log-ratio of two: the reward of a structure.

Meta-Sim2 (Devaranjan et al. 2020, section 3.3) rewards each synthetic picture v with

    log p_real(φ(v)) - log p_synthetic(φ(v))

both densities by Gaussian kernels over the pictures at hand:

    p(f) = 1/n Σ_j (2π h²)^(-D/2) exp(-|f - f_j|² / (2 h²))

The paper leaves the bandwidth h open. One h serves both sides, so that equal distributions are
equal after smoothing too. In D dimensions of noise with deviation σ, squared distances are about
2 D σ² ± σ² √(8 D). With h near σ, as rules for low dimensions have it, every density is that of
the one nearest picture; with h near the median distance all pictures count alike and little more
than two means is compared. What must be matched is how distances differ, so h is set by how many
pictures a density rests on (as the perplexity of t-SNE does): the effective number of neighbours

    1 / Σ_j w_j²,   w_j = exp(-|f - f_j|² / (2 h²)) / Σ_k exp(-|f - f_k|² / (2 h²)),   f_j not f

is on (geometric) average, over both sets pooled, the square root of their size, unless another
number is asked for. It grows with h, so h is found by bisection; it follows the scale of the
features; and in few dimensions it is a nearest-neighbour rule. Distances are Euclidean: scale the
features first, as :meth:`FeatureExtractor.fit_scale` does.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from metasim_backend.distances.mmd import MatchingError

__all__ = ["bandwidth_by_neighbours", "log_density", "log_density_ratio"]

_MOST_ROWS = 1500
_WIDTHS = (0.01, 100.0)  # bandwidths that are tried, in root mean square distances
_HALVINGS = 40


@torch.no_grad()
def log_density_ratio(
    synthetic: Tensor,
    real: Tensor,
    *,
    bandwidth: float | None = None,
    neighbours: float | None = None,
) -> Tensor:
    """log p_real - log p_synthetic at each synthetic picture; the latter without itself.

    Args:
        synthetic: [N, D] features, N >= 2.
        real: [M, D] features, M >= 1.
        bandwidth: h in the features' unit; None: by the rule of this module.
        neighbours: how many of the N + M pictures a density rests on; None: √(N + M). Fewer
            resolve finer structure and are noisier.

    Returns:
        [N] of the features' type, without gradient. Positive where real pictures are denser.

    Raises:
        MatchingError: sets that cannot be compared, or that give no bandwidth.
    """
    _check(synthetic, real)
    if len(synthetic) < 2:
        raise MatchingError("One synthetic picture has no others to estimate its density from.")
    if bandwidth is None:
        bandwidth = bandwidth_by_neighbours(torch.cat([synthetic, real]), neighbours)
    return log_density(synthetic, real, bandwidth) - log_density(synthetic, None, bandwidth)


@torch.no_grad()
def log_density(points: Tensor, samples: Tensor | None, bandwidth: float) -> Tensor:
    """[N] log-densities at points [N, D] under Gaussian kernels on samples [M, D].

    Args:
        samples: None: the points themselves, each left out of its own density.
        bandwidth: h, in the features' unit.

    Raises:
        MatchingError: shapes that do not fit, or a bandwidth that is not positive.
    """
    _check(points, points if samples is None else samples)
    if not (bandwidth > 0 and math.isfinite(bandwidth)):
        raise MatchingError(f"The bandwidth {bandwidth} is not a positive length.")
    exponents = _squared_distances(points, points if samples is None else samples)
    exponents = exponents / (-2 * bandwidth**2)
    count = len(points) - 1 if samples is None else len(samples)
    if count < 1:
        raise MatchingError("A density needs at least one picture besides the one it is taken at.")
    if samples is None:
        exponents.fill_diagonal_(-math.inf)
    dimension = points.shape[1]
    constant = dimension / 2 * math.log(2 * math.pi * bandwidth**2) + math.log(count)
    return (torch.logsumexp(exponents, 1) - constant).to(points.dtype)


@torch.no_grad()
def bandwidth_by_neighbours(features: Tensor, neighbours: float | None = None) -> float:
    """The h at which densities rest on so many pictures; see the module.

    Args:
        features: [N, D], N >= 3; of more than 1,500 vectors 1,500 evenly spaced ones are used,
            and the number of neighbours is scaled down with them.
        neighbours: effective number of neighbours, from 1 to N - 1; None: √N.

    Returns:
        h, within 0.01 and 100 root mean square distances: where more than half of all pictures
        are equal, it cannot become too small.

    Raises:
        MatchingError: fewer than three vectors, all equal, or a number that is out of reach.
    """
    _check(features, features)
    count = len(features)
    if count < 3:
        raise MatchingError(f"{count} feature vectors give no bandwidth; at least 3 are needed.")
    wanted = math.sqrt(count) if neighbours is None else float(neighbours)
    if not 1 <= wanted <= count - 1:
        raise MatchingError(
            f"A density cannot rest on {wanted:g} of {count - 1} other pictures; choose a number "
            f"from 1 to {count - 1}."
        )
    if count > _MOST_ROWS:
        rows = torch.linspace(0, count - 1, _MOST_ROWS, device=features.device).long()
        features = features[rows]
        wanted = max(1.0, wanted * _MOST_ROWS / count)
    squared = _squared_distances(features, features)
    mean = float(squared.sum() / (len(squared) * (len(squared) - 1)))
    # Rounding leaves equal vectors a distance of about the square root of a float's last digit.
    size = float((features - features.mean(0)).square().sum(1).mean())
    if not math.isfinite(mean) or mean <= 1e-12 * max(size, float(features.square().mean())):
        raise MatchingError(
            f"The {len(features)} feature vectors are all equal or not finite; give pictures that "
            "differ from one another."
        )
    low, high = (math.log(width * math.sqrt(mean)) for width in _WIDTHS)
    squared.fill_diagonal_(math.inf)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _mean_log_neighbours(squared, math.exp(middle)) < math.log(wanted):
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _mean_log_neighbours(squared: Tensor, bandwidth: float) -> float:
    """Mean logarithm of the effective numbers of neighbours; ``squared`` with an infinite
    diagonal."""
    weights = torch.softmax(squared / (-2 * bandwidth**2), 1)
    return float(-weights.square().sum(1).log().mean())


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """[N, M]; in float64, since distances may be small against the features themselves."""
    x, y = x.double(), y.double()
    centre = y.mean(0)
    x, y = x - centre, y - centre
    squared = x.square().sum(1)[:, None] + y.square().sum(1)[None, :] - 2 * (x @ y.T)
    return squared.clamp_min_(0)


def _check(x: Tensor, y: Tensor) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not len(x) or not len(y):
        raise MatchingError(
            f"Feature sets of shapes {tuple(x.shape)} and {tuple(y.shape)} cannot be compared; "
            "give [N, D] and [M, D]."
        )
