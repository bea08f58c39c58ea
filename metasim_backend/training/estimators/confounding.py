r"""Which attributes of a scene stand in for each other in what is read of it.

A longer exposure makes a picture as bright as a stronger sun and sky do. Each of the three is read
well as long as the others are known, and badly when they are free too. Readings that are moved by
:math:`J` (a row for each attribute, a deviation of the prior long) and vary by :math:`\Sigma` tell
as much as :math:`F = n J \Sigma^{-1} J^T` of all means together (Fisher 1922). What is left of an
attribute's information when the others are free is one over the diagonal of the inverse, here with
the prior's own deviation as what is known before.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from metasim_backend.grammar.encoded_scenes import SceneBatch
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import Surrogate

MOST_LOST = 0.8
"""Share of an attribute's information that others take, from which they stand in for it."""
CORRELATED = 0.7
"""What is believed of two attributes that stand in for each other, in absolute value."""
STEP = 0.5


@dataclass(frozen=True)
class Information:
    """Of one attribute's mean.

    Attributes:
        alone: half of the information in a deviation of the prior, others known: the logarithm of
            a likelihood ratio, as of :mod:`.evidence`.
        together: the same with the others free.
        partners: attributes that stand in for it; none where enough is left.
    """

    alone: float
    together: float
    partners: tuple[str, ...]


@torch.no_grad()
def confounded(
    transformer: DistributionTransformer,
    surrogate: Surrogate,
    batch: SceneBatch,
    deviations: Tensor,
    count: float,
) -> dict[str, Information]:
    """By name, of the mutable numbers of a scene that are no labelled object's.

    Args:
        batch: scenes of the prior.
        deviations: [M], the prior's of the transformer's numeric slots.
        count: how many pictures the target has.
    """
    predicted = surrogate(batch, batch.values)
    spreads = predicted.scene_spreads
    noise = surrogate.scene_noise * (spreads[:, :, None] * spreads[:, None]).mean(0)
    variance = (torch.cov(predicted.scene.T) + noise).double()
    moves, names = [], []
    for place, slot in enumerate(transformer.numeric):
        chosen = (batch.present & batch.mutable)[:, slot]
        if not chosen.any() or bool(surrogate.labelled[batch.node_class[chosen]].any()):
            continue
        read = []
        for sign in (-STEP, STEP):
            values = batch.values.clone()
            values[chosen, slot] += sign * deviations[place]
            if transformer.encoding.slots[slot].kind == "continuous":
                values[:, slot].clamp_(0, 1)
            read.append(surrogate(batch, values).scene.mean(0))
        moves.append((read[1] - read[0]) / (2 * STEP))
        names.append(transformer.encoding.slots[slot].name)
    if not names:
        return {}
    return information(names, torch.stack(moves).double(), variance, count)


def information(
    names: list[str], moves: Tensor, variance: Tensor, count: float
) -> dict[str, Information]:
    """By name, from how readings move [A, S] with each of A attributes and vary [S, S]."""
    fisher = count * moves @ torch.linalg.lstsq(variance, moves.T).solution
    believed = torch.linalg.inv(fisher + torch.eye(len(names), dtype=fisher.dtype))
    deviations = believed.diagonal().sqrt()
    correlations = (believed / deviations[:, None] / deviations).abs()
    out = {}
    for row, name in enumerate(names):
        alone = float(fisher[row, row])
        together = max(1 / float(believed[row, row]) - 1, 0.0)  # less what the prior knows
        order = correlations[row].argsort(descending=True).tolist()
        partners = [names[k] for k in order if k != row and correlations[row, k] >= CORRELATED]
        taken = together < (1 - MOST_LOST) * alone
        out[name] = Information(alone / 2, together / 2, tuple(partners if taken else ()))
    return out
