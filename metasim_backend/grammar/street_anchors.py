"""From what of the street each node's position is counted; it does not change with attributes."""

from __future__ import annotations

import torch
from torch import Tensor

from blender_addon.contract.attribute_reading import WorldError
from blender_addon.contract.scene_graph import SceneGraph
from blender_addon.contract.street import street_of

ANCHORS = 4


def street_anchors(scene: SceneGraph) -> Tensor:
    """[nodes, 4] float32 of a street's nodes: 1 for what stands on a lane or a side, how many lanes
    right of the ego lane's middle it is counted from, the sign of its ``across``, and 1 on a lane
    whose traffic is oncoming. All are 0 in a scene that is no street."""
    try:
        street = street_of(scene.nodes)
    except WorldError:
        return torch.zeros(len(scene.nodes), ANCHORS)
    left, right = (edge / street.lane_width for edge in street.edges)
    rows = []
    for node in scene.nodes:
        lane, side = street.lanes.get(node.parent or ""), street.sides.get(node.parent or "")
        if lane is not None:
            rows.append((1.0, float(lane.position), 1.0, float(lane.oncoming)))
        elif side is not None:
            rows.append((1.0, right, 1.0, 0.0) if side.right else (1.0, left, -1.0, 0.0))
        else:
            rows.append((0.0, 0.0, 0.0, 0.0))
    return torch.tensor(rows, dtype=torch.float32)
