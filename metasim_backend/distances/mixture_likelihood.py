r"""How probable a target's readings are under readings that are only known up to normal noise.

The density is a mixture: a normal about each expected reading, with that reading's own noise,

.. math:: p(x) = (1 - ε) \sum_n w_n N(x; μ_n, D_n R D_n) + ε N(x; \bar x, s^2 S),

with spreads :math:`D_n` and one covariance R of errors in spreads. The last term, as wide as all
the target's readings and more, is for what is misread, so that no single object decides.

It uses what a distance between pooled readings does not see: a near object is read so well that a
shift by half a metre shows, though its class is strewn over the whole road.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

MISREAD = 0.05
"""ε."""
WIDER = 2.0
"""s."""
_LEAST = 1e-3  # added to a covariance of errors, so that it can be inverted


@dataclass(frozen=True, eq=False)
class MixtureLikelihood:
    """The likelihood of one target.

    Attributes:
        readings: [M, C], the target's.
        counts: [M], how much each counts.
        misread: [M], the logarithm of the last term.
    """

    readings: Tensor
    counts: Tensor
    misread: Tensor

    def __call__(
        self, means: Tensor, weights: Tensor, covariance: Tensor, spreads: Tensor
    ) -> Tensor:
        """Minus the logarithm of the target's likelihood, up to a constant of the target.

        Args:
            means: [N, C].
            weights: [N], in proportion to w.
            covariance: [C, C], R.
            spreads: [N, C].
        """
        density = self.log_density(means, weights, covariance, spreads)
        return self.of_density(density - weights.sum().clamp_min(1e-9).log())

    def log_density(
        self, means: Tensor, weights: Tensor, covariance: Tensor, spreads: Tensor
    ) -> Tensor:
        """[M]: the logarithm of the mixture's density at each reading, times the sum of weights."""
        size = means.shape[1]
        root = torch.linalg.cholesky(covariance + _LEAST * torch.eye(size).to(covariance))
        inverse = torch.linalg.inv(root)
        apart = (self.readings[:, None] - means) / spreads
        square = (apart @ inverse.T).square().sum(2)
        volumes = spreads.log().sum(1) + root.diagonal().log().sum()
        each = weights.clamp_min(1e-12).log() - volumes - square / 2
        return each.logsumexp(1) - size / 2 * math.log(2 * math.pi)

    def of_density(self, log_density: Tensor) -> Tensor:
        """Minus the logarithm of the likelihood, where the mixture's normals have this density."""
        mixture = math.log(1 - MISREAD) + log_density
        return -(self.counts * torch.logaddexp(mixture, self.misread)).sum()


def mixture_likelihood(readings: Tensor, counts: Tensor, around: Tensor) -> MixtureLikelihood:
    """The likelihood of readings [M, C] that count [M].

    Args:
        around: [L, C] readings of the same kind, of target and renders, that say how wide the
            last term is.
    """
    covariance = WIDER**2 * torch.cov(around.T) + _LEAST * torch.eye(around.shape[1]).to(around)
    wide = torch.distributions.MultivariateNormal(around.mean(0), covariance)
    return MixtureLikelihood(readings, counts, math.log(MISREAD) + wide.log_prob(readings))
