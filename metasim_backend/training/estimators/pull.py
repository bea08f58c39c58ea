r"""What holds the generator where pictures say nothing.

A target of a hundred pictures fixes an attribute's mean to a tenth of a standard deviation where it
is read well, and not at all where it is not. Each attribute's mean shift and the logarithm of its
deviation's ratio have a Student-t prior about no change,

.. math:: c \, \log(1 + (m / \tau)^2).

Near zero it holds what is hardly read; far away it costs next to nothing more, so what is read well
goes all the way (a spike and slab in one, Carvalho et al. 2010). Nodes of a class are moved
alike unless pictures say otherwise: the variance of moves over nodes costs as a normal prior does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.grammar.encoded_scenes import EncodedScenes, SceneBatch
from metasim_backend.models.distribution_transformer import Changes, DistributionTransformer
from metasim_backend.statistics.circular_tensors import offsets_from_mean

LEAST_VARIANCE = 1e-4
LEAST_DEVIATION = 1e-3
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


def prior_deviations(transformer: DistributionTransformer, scenes: EncodedScenes) -> Tensor:
    """[M]: the standard deviations of the numeric slots in scenes of the prior, in the encoding's
    units; 1 where a slot is nowhere. The transformer's own scale is bounded from below, which is
    right for steps and wrong for what is probable."""
    deviations = torch.ones(len(transformer.numeric))
    for place, slot in enumerate(transformer.numeric):
        values = scenes.values[scenes.present[:, slot], slot].double()
        if len(values):
            if transformer.encoding.slots[slot].kind == "circular":
                _, offsets = offsets_from_mean(values)
            else:
                offsets = values - values.mean()
            deviations[place] = offsets.square().mean().sqrt().clamp_min(LEAST_DEVIATION).float()
    return deviations


def pull(
    transformer: DistributionTransformer,
    batch: SceneBatch,
    changes: Changes,
    deviations: Tensor,
    settings: PullSettings,
) -> Tensor:
    """Minus the logarithm of the prior density of what the transformer does, up to a constant.

    Args:
        deviations: [M] what the numeric slots' standard deviation is in the prior, in the
            encoding's units.
    """
    numeric = torch.tensor(transformer.numeric)
    chosen = (batch.present & batch.mutable)[:, numeric]
    share = chosen / chosen.sum(0).clamp_min(1)
    moves = changes.shift * transformer.scale[numeric] / deviations
    shift, gain = (moves * share).sum(0), (changes.gain * share).sum(0)
    noise = transformer.spread(changes) / deviations
    variance = (1 + gain).square() + (noise.square() * share).sum(0)
    ratio = variance.clamp_min(LEAST_VARIANCE).log() / 2
    spread = (changes.log_spread * share).sum(0)
    apart = (
        (moves - shift).square()
        + (changes.gain - gain).square()
        + _SPREAD_SHARE * (changes.log_spread - spread).square()
    )
    squares = (shift / settings.shift).square(), (ratio / settings.ratio).square()
    given_way = sum(torch.log1p(square) for square in squares)
    costs = settings.strength * given_way + settings.apart * (apart * share).sum(0)
    return costs[chosen.any(0)].sum()
