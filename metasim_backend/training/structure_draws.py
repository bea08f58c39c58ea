"""Scenes whose structure the structure generator draws, and whose attributes the grammar does.

A draw is rejected, and made anew, when its derivation does not end within T_max, when the structure
does not meet the grammar's conditions on counts, or when no attributes are found for it that meet
the others (Meta-Sim2, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import Grammar, GrammarError, expand, sample_attributes
from metasim_backend.grammar.derivation import Productions
from metasim_backend.grammar.sampling import SCENE_TRIES
from metasim_backend.grammar.stack_machine import PADDING
from metasim_backend.models.structure_generator import StructureGenerator

# A structure is kept for a few draws of its attributes: crowded scenes would else become rarer
# than the generator wants them.
ATTRIBUTE_TRIES = 5


@dataclass(frozen=True, eq=False)
class Drawn:
    """Scenes with the derivations that they came from, and the draws that failed before them.

    Attributes:
        scenes: N scenes.
        tokens: [N, T] their derivations, padded with -1.
        failures: [N] float, failed draws before each.
        rejected: [R, T] the derivations of the failed draws, as far as they came.
        rejected_of: [R] which scene each was drawn for.
    """

    scenes: list[SceneGraph]
    tokens: Tensor
    failures: Tensor
    rejected: Tensor
    rejected_of: Tensor


def draw_scenes(
    grammar: Grammar, structure: StructureGenerator, seeds: Sequence[int], *, alone: bool = False
) -> Drawn:
    """Draw one scene a seed: a function of the seed and the generator's parameters.

    Args:
        alone: run the network for each scene by itself. In a batch the last bits of its sums may
            depend on what else is in it, which can, very seldom, turn a choice.

    Raises:
        GrammarError: when no draw of a scene was accepted in 200.
    """
    tokens: list[Tensor] = [torch.zeros(0, dtype=torch.long)] * len(seeds)
    nodes: list[tuple[Node, ...]] = [()] * len(seeds)
    failures = torch.zeros(len(seeds))
    rejected: list[Tensor] = []
    rejected_of: list[int] = []
    pending = list(range(len(seeds)))
    for attempt in range(SCENE_TRIES):
        if not pending:
            break
        size = 1 if alone else max(len(pending), 1)
        rows: list[tuple[int, Tensor, bool]] = []
        for first in range(0, len(pending), size):
            some = pending[first : first + size]
            rows += zip(some, *_derivations(structure, seeds, some, attempt), strict=True)
        pending = []
        for i, own, right in rows:
            found = (
                attributed(grammar, structure.productions, own, int(seeds[i]), attempt)
                if right
                else None
            )
            if found is None:
                failures[i] += 1
                rejected.append(own)
                rejected_of.append(i)
                pending.append(i)
            else:
                tokens[i], nodes[i] = own, found
    if pending:
        raise GrammarError(
            f"{grammar.source}: no structure that was drawn with seed {seeds[pending[0]]} met the "
            f"conditions in {SCENE_TRIES} tries; loosen them, lower the counts or allow longer "
            "derivations."
        )
    scenes = [
        SceneGraph(own, grammar.domain, int(seed)) for own, seed in zip(nodes, seeds, strict=True)
    ]
    longest = max([1, *(len(t) for t in tokens), *(len(t) for t in rejected)])
    return Drawn(
        scenes,
        _padded(tokens, longest),
        failures,
        _padded(rejected, longest),
        torch.tensor(rejected_of, dtype=torch.long),
    )


def _derivations(
    structure: StructureGenerator, seeds: Sequence[int], chosen: Sequence[int], attempt: int
) -> tuple[list[Tensor], list[bool]]:
    """One derivation for each of the chosen seeds, and whether its structure will do."""
    count = 1 + structure.settings.longest
    uniform = np.stack(
        [np.random.default_rng([int(seeds[i]), attempt, 2]).random(count) for i in chosen]
    )
    # As single precision a number just below 1 would round to it.
    single = torch.from_numpy(np.minimum(uniform, 1 - 2.0**-24).astype(np.float32))
    drawn = structure.sample(single)
    tokens = drawn.tokens.cpu()
    productions = structure.productions
    met = productions.meets_conditions(productions.class_counts(tokens.numpy()))
    right = drawn.finished.cpu().numpy() & met
    return [row[row != PADDING] for row in tokens], right.tolist()


def attributed(
    grammar: Grammar, productions: Productions, tokens: Tensor, seed: int, attempt: int
) -> tuple[Node, ...] | None:
    """Nodes of a derivation with attributes drawn from the grammar's priors; None where no draw
    of a few met the conditions."""
    skeleton = expand(grammar, productions.choices_of(tokens.tolist()))
    rng = np.random.default_rng([seed, attempt, 1])
    for _ in range(ATTRIBUTE_TRIES):
        try:
            return sample_attributes(grammar, skeleton, rng)
        except GrammarError:
            continue
    return None


def _padded(rows: Sequence[Tensor], longest: int) -> Tensor:
    out = torch.full((len(rows), longest), PADDING, dtype=torch.long)
    for own, row in zip(out, rows, strict=True):
        own[: len(row)] = row
    return out
