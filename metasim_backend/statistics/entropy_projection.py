"""The distribution nearest to a sample that has given means: maximum entropy.

Of all weights of the sample with these means of f, weights p ∝ exp(λ·f) have the least relative
entropy to it (Csiszár, I-divergence geometry of probability distributions, 1975; Jaynes, 1957).
Means that are known with an error are met up to it: the dual of a squared penalty is a squared pull
of λ to 0 (Dudík, Phillips and Schapire, Maximum entropy density estimation with generalized
regularization, JMLR 2007). A bound on λ keeps a few of the sample from getting all the weight;
means that would need more stay unmet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from metasim_backend.statistics.arrays import Array


class ProjectionError(ValueError):
    """The sample is nothing like what is wanted."""


@dataclass(frozen=True, eq=False)
class Projection:
    """Weights of a sample.

    Attributes:
        multipliers: [D], λ: a further sample's weights are proportional to exp(features · λ).
        weights: [N], sum 1.
        means: [D] of the features under the weights.
    """

    multipliers: Array
    weights: Array
    means: Array

    @property
    def effective_share(self) -> float:
        """The effective sample size as a share of the sample's: 1 / (N Σ w²) (Kish, 1965)."""
        return float(1 / (np.square(self.weights).sum() * len(self.weights)))


def entropy_projection(
    features: Array, wanted: Array, errors: Array, most: float = math.inf
) -> Projection:
    """Weights of a sample by which its features have the wanted means, up to their errors.

    Args:
        features: [N, D] of a sample.
        wanted: [D] means.
        errors: [D] their standard errors; above 0.
        most: bound of each |λ|.

    Raises:
        ProjectionError: when no weights were found.
    """
    spread = features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    scaled, goal = features / scale, wanted / scale
    pull = np.square(errors / scale)

    def dual(multipliers: Array) -> tuple[float, Array]:
        scores = scaled @ multipliers
        total = logsumexp(scores)
        means = np.exp(scores - total) @ scaled
        value = total - multipliers @ goal + 0.5 * (pull * multipliers**2).sum()
        return value, means - goal + pull * multipliers

    ends = most * scale
    found = minimize(
        dual,
        np.zeros(features.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(-ends, ends, strict=True)),
        options={"maxiter": 2000},
    )
    free = np.abs(found.x) < ends
    if not np.isfinite(found.fun) or np.abs(found.jac[free]).max(initial=0.0) > 1e-2:
        raise ProjectionError(
            f"No weights of {len(features)} scenes have the wanted means; draw more scenes."
        )
    scores = scaled @ found.x
    weights = np.exp(scores - logsumexp(scores))
    return Projection(found.x / scale, weights, weights @ features)
