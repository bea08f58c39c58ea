"""Which of a generator's changes the target's pictures support; the others are taken back.

A descent moves also what pictures hardly tell of: by the noise of its steps, or to explain what
something else explained later. Each attribute is put back to the prior's in the generator's own
scenes. If the target's readings are then hardly less probable, there was no reason to move it, and
it stays as the prior has it: backward elimination by a likelihood ratio.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from metasim_backend.grammar.encoded_scenes import SceneBatch, encode_scenes
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.reading_distances import (
    OBJECTS,
    SCENE,
    ReadingDistances,
    Trust,
    trusted,
)
from metasim_backend.training.estimators.surrogate_descent import (
    predicted_distances,
    predicted_misfits,
    within_range,
)
from metasim_backend.training.seeds import derive_seed, generator
from metasim_backend.training.services import Services
from metasim_backend.training.state import State

SUPPORTED = 8.0
"""In units of the logarithm of a likelihood. Three numbers that are free (mean, spread, noise) gain
as much by chance once in a thousand times."""


TRIED_SCENES = 900
"""Of the prior, in which changes are tried: none that was descended on. A van is in one of four,
and a mixture of a few dozen of them says by chance what it says."""


def leave_unsupported(
    state: State,
    services: Services,
    surrogate: Surrogate,
    distances: ReadingDistances,
    trust: Trust,
    number: int,
    near: bool,
) -> None:
    """Take back what is not supported from the state's transformer, and write what was found into
    the run's folder.

    Args:
        trust: that the descent had.
        number: of the round.
        near: whether scenes are compared by their likelihood.
    """
    seed, transformer = services.settings.seed, state.scenes.transformer
    seeds = [derive_seed(seed, "support-proposal", i) for i in range(TRIED_SCENES)]
    encoded = encode_scenes(state.scenes.encoding, state.scenes.proposed(seeds))
    batch = encoded.batch(torch.arange(len(encoded)))
    source = generator(seed, "surrogate-support", number)
    unexplained = _unexplained(transformer, surrogate, batch, distances, source)
    of_scene, of_objects = trusted(unexplained["scene"]), trusted(unexplained["objects"])
    with services.work("match", "Support of changes", len(transformer.numeric)) as work:
        support = take_back_unsupported(
            transformer,
            surrogate,
            batch,
            distances,
            Trust(trust.scene * of_scene, trust.objects * of_objects),
            source,
            near,
            lambda: work.update(),
        )
    services.folder.write_json(
        "support.json",
        {
            "round": number,
            "supported_from": SUPPORTED,
            "unexplained": unexplained,
            "attributes": support,
        },
    )


@torch.no_grad()
def _unexplained(
    transformer: DistributionTransformer,
    surrogate: Surrogate,
    batch: SceneBatch,
    distances: ReadingDistances,
    source: torch.Generator,
) -> dict[str, float]:
    """How far the target is from the generator when all that could be explained has been, less
    chance, in units of the logarithm of a likelihood.

    Photographs differ from renders in more than scenes do. Where that is as much as an attribute
    explains, the attribute may only stand in for it: evidence of a model that is wrong counts the
    less the more it is wrong (Miller and Dunson, Robust Bayesian inference via coarsening, 2019).
    """
    distribution = transformer(batch)
    values = within_range(distribution, distribution.rsample(source))
    predicted = predicted_distances(surrogate, batch, values, distances)
    return {
        name: max(float(distances.likelihood(predicted, part)) - distances.by_chance(part), 0.0)
        for name, part in (("scene", SCENE), ("objects", OBJECTS))
    }


@torch.no_grad()
def take_back_unsupported(
    transformer: DistributionTransformer,
    surrogate: Surrogate,
    batch: SceneBatch,
    distances: ReadingDistances,
    trust: Trust,
    source: torch.Generator,
    near: bool = False,
    progress: Callable[[], object] | None = None,
) -> dict[str, float]:
    """Leave to the prior what is not supported.

    Attributes are tried one by one, those first that alone are supported least, each with all that
    were taken back before it.

    Args:
        batch: scenes of the prior.
        source: of the generator's noise.
        near: whether scenes are compared by their likelihood.
        progress: called after each numeric slot that was tried alone.

    Returns:
        by the name of each numeric attribute that is mutable how much less probable the target's
        readings are without its change, of those taken back as they were tried.
    """
    distribution = transformer(batch)
    values = within_range(distribution, distribution.rsample(source))

    def misfit(some: Tensor, of_objects: bool) -> float:
        both = predicted_misfits(surrogate, batch, some, distances, trust, near=near)
        return float(both[int(of_objects)])

    def put_back(some: Tensor, slot: int) -> Tensor:
        return some.index_copy(1, torch.tensor([slot]), batch.values[:, [slot]])

    kinds, support = {}, {}
    moved = {of_objects: misfit(values, of_objects) for of_objects in (False, True)}
    for slot in transformer.numeric:
        chosen = (batch.present & batch.mutable)[:, slot]
        if chosen.any():
            kinds[slot] = bool(surrogate.labelled[batch.node_class[chosen]].any())
            support[slot] = misfit(put_back(values, slot), kinds[slot]) - moved[kinds[slot]]
        if progress is not None:
            progress()
    taken_back = []
    for slot in sorted(support, key=support.__getitem__):
        if support[slot] >= SUPPORTED:
            break
        without = put_back(values, slot)
        now = misfit(without, kinds[slot])
        support[slot] = now - moved[kinds[slot]]
        if support[slot] < SUPPORTED:
            values, moved[kinds[slot]] = without, now
            taken_back.append(slot)
    transformer.leave(taken_back)
    return {transformer.encoding.slots[slot].name: value for slot, value in support.items()}
