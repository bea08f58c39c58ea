"""Many encoded scenes in flat tensors, of which any are joined into one batch without a loop.

``torch_geometric`` joins graphs one by one, which costs more than a network's step over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.grammar.street_anchors import street_anchors


@dataclass(frozen=True, eq=False)
class SceneBatch:
    """B scene graphs as one graph with N nodes.

    Attributes:
        values, present, mutable: [N, A], as :meth:`Encoding.encode` gives them.
        node_class: [N].
        anchors: [N, 4], see :func:`.street_anchors`.
        edge_index, edge_type: [2, E], [E].
        batch: [N], the scene that a node is of.
        num_graphs: B.
        nodes: [N], where the nodes stand among all nodes of :class:`EncodedScenes`.
    """

    values: Tensor
    present: Tensor
    mutable: Tensor
    node_class: Tensor
    anchors: Tensor
    edge_index: Tensor
    edge_type: Tensor
    batch: Tensor
    num_graphs: int
    nodes: Tensor


@dataclass(frozen=True, eq=False)
class EncodedScenes:
    """Encoded scenes, one after the other.

    Attributes:
        values, present, mutable, node_class, anchors, edge_index, edge_type: of all scenes; edges
            count nodes from each scene's own first.
        node_counts, edge_counts: [scenes].
    """

    values: Tensor
    present: Tensor
    mutable: Tensor
    node_class: Tensor
    anchors: Tensor
    edge_index: Tensor
    edge_type: Tensor
    node_counts: Tensor
    edge_counts: Tensor

    def __len__(self) -> int:
        return len(self.node_counts)

    @property
    def first_nodes(self) -> Tensor:
        """[scenes]: where a scene's nodes begin."""
        return self.node_counts.cumsum(0) - self.node_counts

    def batch(self, rows: Tensor) -> SceneBatch:
        """Some of the scenes, [B] long, as one graph."""
        nodes, graph = _spans(self.first_nodes, self.node_counts, rows)
        first_edges = self.edge_counts.cumsum(0) - self.edge_counts
        edges, of_edges = _spans(first_edges, self.edge_counts, rows)
        begins = self.node_counts[rows].cumsum(0) - self.node_counts[rows]
        return SceneBatch(
            self.values[nodes],
            self.present[nodes],
            self.mutable[nodes],
            self.node_class[nodes],
            self.anchors[nodes],
            self.edge_index[:, edges] + begins[of_edges],
            self.edge_type[edges],
            graph,
            len(rows),
            nodes,
        )

    @staticmethod
    def joined(parts: Sequence[EncodedScenes]) -> EncodedScenes:
        """All scenes of several parts."""
        along = {"edge_index": 1}
        return EncodedScenes(
            **{
                name: torch.cat([getattr(part, name) for part in parts], along.get(name, 0))
                for name in EncodedScenes.__dataclass_fields__
            }
        )


def encode_scenes(encoding: Encoding, scenes: Sequence[SceneGraph]) -> EncodedScenes:
    """Encode scenes; see :meth:`Encoding.encode`."""
    data = [encoding.encode(scene) for scene in scenes]
    return EncodedScenes(
        torch.cat([d.values for d in data]),
        torch.cat([d.present for d in data]),
        torch.cat([d.mutable for d in data]),
        torch.cat([d.node_class for d in data]),
        torch.cat([street_anchors(scene) for scene in scenes]),
        torch.cat([d.edge_index for d in data], 1),
        torch.cat([d.edge_type for d in data]),
        torch.tensor([len(scene) for scene in scenes]),
        torch.tensor([d.edge_index.shape[1] for d in data]),
    )


def _spans(first: Tensor, counts: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Positions of what belongs to the rows, one after the other, and the row of each."""
    own = counts[rows]
    row = torch.repeat_interleave(torch.arange(len(rows)), own)
    return torch.arange(len(row)) + (first[rows] - (own.cumsum(0) - own))[row], row
