"""The distribution over a scene's mutable attributes that the transformer puts out.

Values are in the encoding's units: a continuous attribute's range is [0, 1], a circular one is a
fraction of its period, a categorical one is the number of its category. A sampled continuous
value may lie a little outside [0, 1]; decoding clamps it. The density is that of the value
before it is clamped, so log-probabilities are those of exactly what was drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

_WRAPS = 3
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class AttributeDistribution:
    """Independent distributions, one for each mutable attribute of each node.

    Continuous attributes are normal, circular ones wrapped normal, categorical ones categorical.

    Attributes:
        source: [N, A] the values that the distribution was conditioned on; immutable and absent
            slots keep them.
        mean: [N, A] means of continuous and circular slots.
        spread: [N, A] standard deviations of the same.
        logits: for each categorical slot's column, [N, categories].
        continuous, circular, categorical: [N, A] bool, the mutable slots of each kind.
    """

    source: Tensor
    mean: Tensor
    spread: Tensor
    logits: dict[int, Tensor]
    continuous: Tensor
    circular: Tensor
    categorical: Tensor

    @property
    def numeric(self) -> Tensor:
        """[N, A] bool: mutable slots that are continuous or circular."""
        return self.continuous | self.circular

    def mode(self) -> Tensor:
        """[N, A]: means of numeric slots, the likeliest category of categorical ones."""
        values = torch.where(self.numeric, self.mean, self.source)
        return self._with_categories(
            values, {slot: logits.argmax(dim=1) for slot, logits in self.logits.items()}
        )

    def rsample(self, generator: torch.Generator) -> Tensor:
        """[N, A]: one draw; numeric slots carry a gradient to mean and spread (mean + spread·ε).

        Circular draws are not wrapped here, so that the gradient is plain; decoding wraps.
        """
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        noise = noise.to(self.mean.device)
        values = torch.where(self.numeric, self.mean + self.spread * noise, self.source)
        drawn = {}
        for slot, logits in self.logits.items():
            uniform = torch.rand(logits.shape, generator=generator, dtype=logits.dtype)
            # Exponential draws race: category c wins with probability proportional to exp(logit).
            race = (-torch.log(uniform.clamp_min(1e-20))).clamp_min(1e-20).log()
            drawn[slot] = (logits.detach() - race.to(logits.device)).argmax(dim=1)
        return self._with_categories(values, drawn)

    def _with_categories(self, values: Tensor, categories: dict[int, Tensor]) -> Tensor:
        columns = list(values.unbind(dim=1))
        for slot, category in categories.items():
            columns[slot] = torch.where(
                self.categorical[:, slot], category.to(values.dtype), columns[slot]
            )
        return torch.stack(columns, dim=1)

    def log_prob(self, values: Tensor) -> Tensor:
        r"""[N, A]: log-density of each mutable slot's value, 0 for slots that do not change.

        Continuous: :math:`\log\mathcal N(v; \mu, \sigma)`. Circular (period 1):
        :math:`\log\sum_k \mathcal N(v + k; \mu, \sigma)`. Categorical: log-softmax.
        The value itself is a constant: no gradient flows into it.
        """
        values = values.detach()
        deviation = values - self.mean
        normal = self._log_normal(deviation)
        nearest = deviation - torch.round(deviation.detach())
        wraps = torch.arange(-_WRAPS, _WRAPS + 1, device=values.device, dtype=values.dtype)
        wrapped = torch.logsumexp(
            self._log_normal(nearest[..., None] + wraps, self.spread[..., None]), dim=-1
        )
        zero = torch.zeros_like(self.mean)
        out = torch.where(self.continuous, normal, zero)
        out = torch.where(self.circular, wrapped, out)
        columns = list(out.unbind(dim=1))
        for slot, logits in self.logits.items():
            chosen = torch.where(self.categorical[:, slot], values[:, slot], 0).round().long()
            log_p = torch.log_softmax(logits, dim=1).gather(1, chosen[:, None])[:, 0]
            columns[slot] = torch.where(self.categorical[:, slot], log_p, columns[slot])
        return torch.stack(columns, dim=1)

    def _log_normal(self, deviation: Tensor, spread: Tensor | None = None) -> Tensor:
        spread = self.spread if spread is None else spread
        return -0.5 * (deviation / spread) ** 2 - torch.log(spread) - _HALF_LOG_2PI
