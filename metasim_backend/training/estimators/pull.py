r"""What holds the generator where pictures say nothing.

A target of a hundred pictures fixes an attribute's mean to a tenth of a standard deviation where it
is read well, and not at all where it is not. Each attribute's mean shift and the logarithm of its
deviation's ratio have a Student-t prior about no change,

.. math:: c \, \log(1 + (m / \tau)^2).

Near zero it holds what is hardly read; far away it costs next to nothing more, so what is read well
goes all the way (a spike and slab in one, Carvalho et al. 2010). What cannot be read at all has a
normal prior instead, which never gives way. Nodes of a class are moved
alike unless pictures say otherwise: the variance of moves over nodes costs as a normal prior does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.grammar.encoded_scenes import SceneBatch
from metasim_backend.models.distribution_transformer import Changes, DistributionTransformer

LEAST_VARIANCE = 1e-4
_SPREAD_SHARE = 0.1  # of the noise's own variation over nodes, in log units


@dataclass(frozen=True)
class PullSettings:
    """How strongly the prior holds, in units of a logarithm of a likelihood.

    Attributes:
        strength: c.
        shift: τ of a mean's shift, in the prior's standard deviations.
        ratio: τ of the logarithm of a standard deviation's ratio.
        apart: cost of moving nodes of a class apart by one standard deviation.
    """

    strength: float = 2.0
    shift: float = 0.3
    ratio: float = 0.45
    apart: float = 20.0


def pull(
    transformer: DistributionTransformer,
    batch: SceneBatch,
    changes: Changes,
    settings: PullSettings,
    readable: Tensor | None = None,
) -> Tensor:
    """Minus the logarithm of the prior density of what the transformer does, up to a constant.

    Args:
        readable: [M] bool, the numeric slots that pictures can say something of; None: all.
    """
    numeric = torch.tensor(transformer.numeric)
    chosen = (batch.present & batch.mutable)[:, numeric]
    share = chosen / chosen.sum(0).clamp_min(1)
    shift, gain = (changes.shift * share).sum(0), (changes.gain * share).sum(0)
    noise = transformer.spread(changes) / transformer.scale[numeric]
    variance = (1 + gain).square() + (noise.square() * share).sum(0)
    ratio = variance.clamp_min(LEAST_VARIANCE).log() / 2
    spread = (changes.log_spread * share).sum(0)
    apart = (
        (changes.shift - shift).square()
        + (changes.gain - gain).square()
        + _SPREAD_SHARE * (changes.log_spread - spread).square()
    )
    moves = (shift / settings.shift).square(), (ratio / settings.ratio).square()
    given_way = [torch.log1p(move) for move in moves]
    if readable is not None:
        given_way = [torch.where(readable, g, m) for g, m in zip(given_way, moves, strict=True)]
    costs = settings.strength * sum(given_way) + settings.apart * (apart * share).sum(0)
    return costs[chosen.any(0)].sum()
