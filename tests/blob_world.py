"""A world of two soft blobs with a closed form: every gradient is known exactly, no Blender."""

import math

import numpy as np
import torch

from blender_addon.contract.frames import Difference, Frame, ObjectLabel
from blender_addon.contract.scene_graph import SceneGraph

SIZE = 24
GRAMMAR = {
    "domain": "blobs",
    "start": "field",
    "classes": {
        "field": {
            "attributes": {
                "light": {
                    "kind": "continuous",
                    "range": [0, 1],
                    "step": 0.01,
                    "mutable": True,
                    "prior": {"uniform": [0.3, 0.7]},
                }
            }
        },
        "car": {
            "attributes": {
                "x": {
                    "kind": "continuous",
                    "range": [0, 10],
                    "step": 0.05,
                    "mutable": True,
                    "prior": {"uniform": [2, 8]},
                },
                "turn": {
                    "kind": "circular",
                    "period": 360,
                    "step": 1,
                    "mutable": True,
                    "prior": {"uniform": [0, 360]},
                },
                "kind": {
                    "kind": "categorical",
                    "values": ["a", "b"],
                    "mutable": True,
                    "prior": {"choice": {"a": 1, "b": 1}},
                },
            }
        },
    },
    "rules": [{"name": "field", "expand": "field", "into": [{"class": "car", "count": 2}]}],
}


def picture(light, blobs):
    """Smooth in every argument; works on torch scalars: [SIZE, SIZE, 3]."""
    axis = (torch.arange(SIZE, dtype=torch.float64) + 0.5) / SIZE * 10
    image = torch.zeros(SIZE, SIZE, dtype=torch.float64) + 0.3 * light
    for x, turn in blobs:
        angle = turn * math.pi / 180
        across = (axis[None, :] - x) * torch.cos(angle) + (axis[:, None] - 5) * torch.sin(angle)
        along = (axis[None, :] - x) * torch.sin(angle) - (axis[:, None] - 5) * torch.cos(angle)
        image = image + 0.3 * light * torch.exp(-(across**2) - 0.2 * along**2)
    return torch.stack([image, 0.5 * image, 0.2 * image], dim=-1)


def attributes(scene: SceneGraph):
    blobs = [
        (torch.tensor(float(n.attributes["x"])), torch.tensor(float(n.attributes["turn"])))
        for n in scene.of_class("car")
    ]
    return torch.tensor(float(scene.root.attributes["light"])), blobs


class BlobRenderer:
    """A renderer with a closed form; counts what it is asked for."""

    name = "blobs"

    def __init__(self):
        self.asked_full_frame = []

    def render(self, scenes, settings, progress=None):
        return [self._frame(scene) for scene in scenes]

    def _frame(self, scene):
        light, blobs = attributes(scene)
        image = picture(light, blobs).float().numpy()
        index = np.zeros((SIZE, SIZE), np.uint16)
        labels = []
        for number, (node, blob) in enumerate(zip(scene.of_class("car"), blobs, strict=True), 1):
            shape = picture(torch.tensor(1.0), [blob])[..., 0].numpy() > 0.45
            index[shape] = number
            rows, columns = np.nonzero(shape)
            box = (
                float(columns.min()),
                float(rows.min()),
                float(columns.max() + 1),
                float(rows.max() + 1),
            )
            visible = int((index == number).sum())
            labels.append(ObjectLabel(node.id, "car", number, visible, box, box, 1.0, 0.0, 0))
        depth = np.full((SIZE, SIZE), np.inf, np.float32)
        return Frame(image, index, depth, tuple(labels), np.eye(3), np.eye(4))

    def differences(self, scenes, settings, steps, *, full_frame=False):
        self.asked_full_frame.append(full_frame)
        return [
            [self._difference(scene, step) for step in some]
            for scene, some in zip(scenes, steps, strict=True)
        ]

    def _difference(self, scene, step):
        sides = [
            picture(*attributes(scene.with_attributes({step.node: {step.attribute: value}})))
            for value in (step.minus, step.plus)
        ]
        return Difference((0, 0, SIZE, SIZE), (sides[1] - sides[0]).float().numpy())

    def close(self):
        pass
