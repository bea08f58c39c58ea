r"""How probable a target's readings are along many directions, each taken for itself.

An energy distance draws from afar, but says little of spreads: of a normal distribution whose
deviation is off by a share ε it says N ε² / 4 where a likelihood says N ε², while both say the same
of its mean. So once the generator is near, what is compared along each direction is the likelihood

.. math:: p(x) = (1 - ε) \frac{1}{N} \sum_n N(x; μ_n, σ_n^2) + ε N(x; \bar x, s^2 S)

of readings that are only known up to normal noise (the last term is for what is misread, and costs
a quarter of what is said of spreads). Along one direction a hundred scenes are enough
for that mean. In all dimensions at once no target's reading would be near one of them. The
logarithms are added up: a composite likelihood (Varin, Reid and Firth 2011).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.distances.mixture_likelihood import MISREAD, WIDER
from metasim_backend.distances.sliced_energy import SlicedEnergy

_NORMAL = math.log(2 * math.pi) / 2


@dataclass(frozen=True, eq=False)
class SlicedLikelihood:
    """The likelihood of one target.

    Attributes:
        slices: the directions, with what each counts.
        target: [M, S], the target's readings along them.
        misread: [M, S], the logarithm of the last term.
        count: how much each reading counts.
    """

    slices: SlicedEnergy
    target: Tensor
    misread: Tensor
    count: float = 1.0

    def __call__(self, means: Tensor, covariance: Tensor, spreads: Tensor) -> Tensor:
        """Minus the logarithm of the target's likelihood; arguments as of
        :meth:`SlicedEnergy.smoothed`, differentiable in means [N, C]."""
        deviation = self.slices.deviations(covariance, spreads)
        apart = (self.target[:, None] - self.slices.sliced(means)) / deviation
        each = -apart.square() / 2 - deviation.log() - _NORMAL
        density = each.logsumexp(1) - math.log(len(means)) + math.log(1 - MISREAD)
        of_slices = torch.logaddexp(density, self.misread).sum(0)
        return -self.count * (of_slices * self.slices.weights).sum()


def sliced_likelihood(slices: SlicedEnergy, readings: Tensor) -> SlicedLikelihood:
    """The likelihood of a target's readings [M, C] along the directions of its energy distance."""
    target = slices.sliced(readings)
    wide = WIDER * target.std(0, correction=0).clamp_min(1e-3)
    apart = (target - target.mean(0)) / wide
    misread = math.log(MISREAD) - apart.square() / 2 - wide.log() - _NORMAL
    return SlicedLikelihood(slices, target, misread)
