"""What a target of so many pictures can say of each attribute, before anything is learned.

Every node's attribute is moved by one standard deviation of the prior. The readings that a
surrogate predicts then differ from those of the prior by some distance, and as a likelihood of as
many pictures as the target has that is the evidence. An attribute with little of it is hardly
found, unless it lies far away.
"""

from __future__ import annotations

import torch
from torch import Tensor

from metasim_backend.grammar.encoded_scenes import SceneBatch
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.reading_distances import (
    OBJECTS,
    SCENE,
    ReadingDistances,
    Trust,
)
from metasim_backend.training.estimators.surrogate_descent import (
    predicted_misfits,
)

READABLE = 4.0
"""In units of the logarithm of a likelihood: a move by one deviation that is seen e^4 times more
probably with it than without."""


@torch.no_grad()
def evidence(
    transformer: DistributionTransformer,
    surrogate: Surrogate,
    batch: SceneBatch,
    distances: ReadingDistances,
) -> dict[str, float]:
    """By the name of each numeric attribute that is mutable, how much the distance from the
    prior's own readings rises when it is moved by one deviation, the larger of both directions.

    Args:
        batch: scenes of the prior.
        distances: to readings of the prior, with the counts of the target.
    """

    def misfit(values: Tensor, part: Trust) -> float:
        return float(sum(predicted_misfits(surrogate, batch, values, distances, part)))

    unmoved = {part: misfit(batch.values, part) for part in (SCENE, OBJECTS)}
    out = {}
    for slot in transformer.numeric:
        chosen = (batch.present & batch.mutable)[:, slot]
        if not chosen.any():
            continue
        of_object = bool(surrogate.labelled[batch.node_class[chosen]].any())
        part, rises = OBJECTS if of_object else SCENE, []
        for sign in (-1, 1):
            values = batch.values.clone()
            values[chosen, slot] += sign * transformer.scale[slot]
            if transformer.encoding.slots[slot].kind == "continuous":
                values[:, slot].clamp_(0, 1)
            rises.append(misfit(values, part) - unmoved[part])
        out[transformer.encoding.slots[slot].name] = max(*rises, 0.0)
    return out
