"""The learned generator: the grammar proposes, the distribution transformer changes."""

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
from metasim_backend.training.seeds import generator

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
    """

    def __init__(
        self, grammar: Grammar, settings: TransformerSettings | None = None, seed: int = 0
    ) -> None:
        self.grammar = grammar
        self.encoding = Encoding(grammar)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(seed, "transformer").initial_seed())
            self.transformer = DistributionTransformer(self.encoding, settings)

    def propose(self, seeds: Sequence[int]) -> Proposal:
        """Scenes of the prior, one a seed."""
        scenes = [sample_scene(self.grammar, seed) for seed in seeds]
        return self.encode(scenes)

    def encode(self, scenes: Sequence[SceneGraph]) -> Proposal:
        return Proposal(
            list(scenes), Batch.from_data_list([self.encoding.encode(s) for s in scenes])
        )

    def distribution(self, proposal: Proposal) -> AttributeDistribution:
        return self.transformer(proposal.batch)

    @torch.no_grad()
    def transform(self, scene: SceneGraph) -> SceneGraph:
        """One scene with its attributes drawn anew; a pure function of scene and parameters."""
        proposal = self.encode([scene])
        values = self.distribution(proposal).rsample(generator(scene.seed, "transform"))
        return self.encoding.decode(scene, values)

    @torch.no_grad()
    def transform_all(self, scenes: Sequence[SceneGraph], seed: int) -> list[SceneGraph]:
        """Many scenes with their attributes drawn anew, a batch at a time: much faster than one
        by one, but a scene's draw depends on its place among them."""
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
        return [sample_scene(self.grammar, seed) for seed in seeds]

    def learned(self, seeds: Sequence[int]) -> list[SceneGraph]:
        """The prior's scenes for these seeds, transformed."""
        return [self.transform(scene) for scene in self.prior(seeds)]


def noise_seeds(settings: RenderSettings, scenes: Sequence[SceneGraph]) -> list[RenderSettings]:
    """The same settings with each scene's own noise seed, so that noise is not shared."""
    return [replace(settings, seed=scene.seed % 2**31) for scene in scenes]
