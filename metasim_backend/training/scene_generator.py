"""The learned generator: grammar and structure generator propose, the transformer changes.

What stands in a scene is the grammar's choice until a structure generator has been learned; then it
takes the rules' place, and the attributes still follow from the grammar's priors. The distribution
transformer changes the attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Batch

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar import Grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.attribute_distribution import AttributeDistribution
from metasim_backend.models.distribution_transformer import (
    DistributionTransformer,
    TransformerSettings,
)
from metasim_backend.models.structure_generator import StructureGenerator
from metasim_backend.training.seeds import generator
from metasim_backend.training.structure_draws import draw_scenes

BATCH = 256


@dataclass(frozen=True, eq=False)
class Proposal:
    """Scenes of the prior, and the same encoded as one batch of graphs."""

    scenes: list[SceneGraph]
    batch: Batch

    @property
    def sizes(self) -> list[int]:
        return [len(scene) for scene in self.scenes]

    def split(self, values: Tensor) -> list[Tensor]:
        """[sum N_b, ...] rows of the batch as one tensor [N_b, ...] a scene."""
        return list(values.split(self.sizes))

    def per_scene(self, values: Tensor) -> Tensor:
        """[B]: the sum of [sum N_b, A] over each scene's nodes and slots."""
        totals = values.new_zeros(len(self.scenes))
        return totals.index_add(0, self.batch.batch, values.sum(dim=1))


class SceneGenerator:
    """A grammar with a distribution transformer over its scenes.

    Args:
        grammar: proposes scene graphs.
        settings: sizes of the transformer.
        seed: of the transformer's initial parameters.

    Attributes:
        structure: takes the place of the grammar's rules; None: the rules themselves.
        changes_attributes: whether the transformer is used at all.
    """

    def __init__(
        self, grammar: Grammar, settings: TransformerSettings | None = None, seed: int = 0
    ) -> None:
        self.grammar = grammar
        self.encoding = Encoding(grammar)
        self.structure: StructureGenerator | None = None
        self.changes_attributes = True
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(seed, "transformer").initial_seed())
            self.transformer = DistributionTransformer(self.encoding, settings)

    def propose(self, seeds: Sequence[int]) -> Proposal:
        """Scenes for the transformer to change, one a seed."""
        return self.encode(self.proposed(seeds))

    def encode(self, scenes: Sequence[SceneGraph]) -> Proposal:
        return Proposal(
            list(scenes), Batch.from_data_list([self.encoding.encode(s) for s in scenes])
        )

    def distribution(self, proposal: Proposal) -> AttributeDistribution:
        return self.transformer(proposal.batch)

    @torch.no_grad()
    def transform(self, scene: SceneGraph) -> SceneGraph:
        """One scene with its attributes drawn anew; a pure function of scene and parameters."""
        if not self.changes_attributes:
            return scene
        proposal = self.encode([scene])
        values = self.distribution(proposal).rsample(generator(scene.seed, "transform"))
        return self.encoding.decode(scene, values)

    @torch.no_grad()
    def transform_all(self, scenes: Sequence[SceneGraph], seed: int) -> list[SceneGraph]:
        """Many scenes with their attributes drawn anew, a batch at a time: much faster than one
        by one, but a scene's draw depends on its place among them."""
        if not self.changes_attributes:
            return list(scenes)
        out: list[SceneGraph] = []
        for start in range(0, len(scenes), BATCH):
            proposal = self.encode(scenes[start : start + BATCH])
            values = self.distribution(proposal).rsample(generator(seed, "transform-all", start))
            out += [
                self.encoding.decode(scene, own)
                for scene, own in zip(proposal.scenes, proposal.split(values), strict=True)
            ]
        return out

    def prior(self, seeds: Sequence[int]) -> list[SceneGraph]:
        """The grammar's own scenes."""
        return [sample_scene(self.grammar, seed) for seed in seeds]

    def proposed(self, seeds: Sequence[int], *, alone: bool = False) -> list[SceneGraph]:
        """Scenes of the learned structure, or the grammar's where none has been learned, with
        attributes of the grammar's priors.

        Args:
            alone: draw each by itself, so that it does not depend on the others' number.
        """
        if self.structure is None:
            return self.prior(seeds)
        return draw_scenes(self.grammar, self.structure, seeds, alone=alone).scenes

    def learned(self, seeds: Sequence[int]) -> list[SceneGraph]:
        """The proposed scenes for these seeds, transformed; each a function of its seed."""
        return [self.transform(scene) for scene in self.proposed(seeds, alone=True)]


def noise_seeds(settings: RenderSettings, scenes: Sequence[SceneGraph]) -> list[RenderSettings]:
    """The same settings with each scene's own noise seed, so that noise is not shared."""
    return [replace(settings, seed=scene.seed % 2**31) for scene in scenes]
