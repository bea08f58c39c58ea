"""Boxes that follow from a scene graph, against those of the meshes that Blender shows."""

from __future__ import annotations

import numpy as np

from blender_addon.capture.labels import labels
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.grammar.street_boxes import VEHICLES, street_boxes

W, H = 1242, 375


def overlap(one, other) -> float:
    x0, y0 = np.maximum(one[:2], other[:2])
    x1, y1 = np.minimum(one[2:], other[2:])
    shared = max(x1 - x0, 0) * max(y1 - y0, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return shared / (sum(areas) - shared)


def of_3d_box(box, stage) -> np.ndarray:
    """The rectangle around a projected 3-D box in KITTI's convention, cut by the picture."""
    c, s = np.cos(box.rotation_y), np.sin(box.rotation_y)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    sides = [(a, d, b) for a in (-0.5, 0.5) for d in (-1, 0) for b in (-0.5, 0.5)]
    corners = np.array(sides) * (box.length, box.height, box.width) @ turn.T + box.location
    points = corners @ stage.camera_intrinsics(W, H).T
    points = points[:, :2] / points[:, 2:]
    return np.clip([*points.min(0), *points.max(0)], 0, [W, H, W, H])


def test_a_vehicle_by_itself_has_nearly_its_meshs_box(stage, random_street):
    rng = np.random.default_rng(3)
    overlaps, whole = [], []
    for number in range(40):
        scene = random_street(rng, person=0, tree=0, building=0, pole=0, rise=2.0)
        kept = "car" if number % 2 else "van"
        scene = SceneGraph(
            tuple(n for n in scene.nodes if n.class_name not in VEHICLES or n.class_name == kept)
        )
        stage.show(scene)
        (label,) = labels(
            stage.objects(),
            np.zeros((H, W), np.uint16),
            stage.camera_intrinsics(W, H),
            stage.camera_pose(),
        )
        box = np.clip(label.amodal_box, 0, [W, H, W, H])
        found = street_boxes(scene, W, H)
        assert found.classes == (kept,)
        overlaps.append(overlap(found.visible[0], box))
        whole.append(overlap(found.whole[0], of_3d_box(label.box3d, stage)))
    assert np.median(overlaps) > 0.85
    assert min(overlaps) > 0.6
    assert np.median(whole) > 0.9 and min(whole) > 0.75
