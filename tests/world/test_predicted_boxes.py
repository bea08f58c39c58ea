"""Boxes that follow from a scene graph, against those of the meshes that Blender shows."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_a_vehicle_by_itself_has_nearly_its_meshs_box(stage, random_street):
    rng = np.random.default_rng(3)
    overlaps = []
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
        overlaps.append(overlap(found.boxes[0], box))
    assert np.median(overlaps) > 0.85
    assert min(overlaps) > 0.6
    assert len(overlaps) == pytest.approx(40)
