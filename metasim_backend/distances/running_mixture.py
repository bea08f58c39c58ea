r"""A mixture's likelihood from small batches, without the error of small batches.

The logarithm of a mean over few terms of a mixture is too small on average, and the wider the terms
are strewn the smaller. So whoever descends on it batch by batch finds spreads that are too narrow.
Here the mean runs over earlier batches too, which slowly lose their weight,

.. math:: \log \frac{\sum_t γ^{-t} d_t}{\sum_t γ^{-t} w_t},

with a batch's density :math:`d_t` at each reading and its weight :math:`w_t`. Its gradient is that
of the present batch, as if all others moved as it does (Belghazi et al. 2018, section 3.2, for the
same error of the same kind of bound).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.distances.mixture_likelihood import MixtureLikelihood


@dataclass(frozen=True, eq=False)
class _Past:
    log_density: Tensor
    log_weight: Tensor
    batches: float


class RunningMixture:
    """The likelihood of one target under a mixture that changes from batch to batch.

    Args:
        likelihood: of the target.
        memory: batches, 1 / (1 - γ); 1 forgets at once.
    """

    def __init__(self, likelihood: MixtureLikelihood, memory: float) -> None:
        if memory < 1:
            raise ValueError(f"a memory of {memory:g} batches is less than the present one")
        self._likelihood = likelihood
        self._kept = 1 - 1 / memory
        self._past: _Past | None = None

    def __call__(
        self, means: Tensor, weights: Tensor, covariance: Tensor, spreads: Tensor
    ) -> Tensor:
        """What :class:`MixtureLikelihood` says of this batch and what is remembered; the batch is
        remembered from now on."""
        density = self._likelihood.log_density(means, weights, covariance, spreads)
        weight = weights.sum().clamp_min(1e-9).log()
        past, batches = self._past, 1.0
        if past is not None and self._kept > 0:
            faded = torch.tensor(self._kept).to(density).log()
            density = torch.logaddexp(density, past.log_density + faded)
            weight = torch.logaddexp(weight, past.log_weight + faded)
            batches += self._kept * past.batches
        self._past = _Past(density.detach(), weight.detach(), batches)
        loss = self._likelihood.of_density(density - weight)
        return loss.detach() + batches * (loss - loss.detach())
