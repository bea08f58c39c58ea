"""How objects stand before the camera: against the add-on's own placement and projection."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from blender_addon.contract.street import read_street
from blender_addon.contract.street_classes import LABELLED
from blender_addon.world.camera import read_camera
from metasim_backend.features.reader.targets import road_numbers
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.grammar.street_anchors import street_anchors
from metasim_backend.models.street_view import NUMBERS, StreetView, has_streets

SCENES = Path(__file__).parents[2] / "scenes"


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return Encoding(load_grammar(SCENES / "driving.yaml", assets=()))


def expected(scene) -> np.ndarray:
    """The same numbers, one object at a time, from the renderer's matrices."""
    street = read_street(scene)
    camera = read_camera(next(node for node in scene.nodes if node.class_name == "camera"))
    half = math.tan(math.radians(camera.fov) / 2)
    rows = []
    for node in scene.nodes:
        if node.class_name not in LABELLED:
            continue
        placed = camera.pose() @ street.place(node).matrix()
        x, y, z = placed[:3, 3]
        front = placed[:3, 0]
        aspect = math.atan2(-front[2], front[0]) - math.atan2(x, max(z, 1.0))
        rows.append(
            (
                *(z, x, math.sin(aspect), math.cos(aspect), x / (z * half), y / (z * half), half),
                *road_numbers(scene)[node.id],
            )
        )
    return np.array(rows)


def test_it_is_where_the_renderer_puts_things(encoding):
    scenes = [sample_scene(encoding.grammar, seed) for seed in range(40)]
    encoded = encode_scenes(encoding, scenes)
    batch = encoded.batch(torch.arange(len(scenes)))
    classes = [encoding.grammar.classes[int(c)].name for c in batch.node_class]
    chosen = torch.tensor([i for i, name in enumerate(classes) if name in LABELLED])
    view = StreetView(encoding)(batch, batch.values.double(), chosen).numpy()
    assert view.shape == (len(chosen), NUMBERS)
    wanted = np.concatenate([expected(scene) for scene in scenes])
    ahead = wanted[:, 0] > 2
    view, wanted = view[ahead], wanted[ahead]
    assert len(view) > 150
    assert np.allclose(np.exp(view[:, 0]), wanted[:, 0], atol=0.03)
    assert np.allclose(10 * view[:, 1], wanted[:, 1], atol=1e-3)
    # Slopes and kerbs are left out: a hill tips a car by a degree or two at the most.
    assert np.abs(view[:, 2:4] - wanted[:, 2:4]).max() < 0.02
    seen = np.abs(wanted[:, 4]) < 1
    assert np.allclose(view[seen, 6], wanted[seen, 4], atol=1e-3)
    assert np.allclose(view[seen, 7], wanted[seen, 5], atol=0.03)  # a kerb is 12 cm high
    assert np.allclose(view[:, 10:] * (10, 1, 1), wanted[:, 7:], atol=1e-4)
    assert np.allclose(view[:, 8], -np.log(wanted[:, 0] * wanted[:, 6]), atol=0.01)


def test_the_gradient_is_that_of_finite_differences(encoding):
    scene = next(
        s
        for s in (sample_scene(encoding.grammar, seed) for seed in range(50))
        if any(node.class_name == "car" and node.attributes["along"] > 8 for node in s.nodes)
    )
    batch = encode_scenes(encoding, [scene]).batch(torch.tensor([0]))
    slot = encoding.slot("car", "along")
    low, _ = slot.attribute.bounds
    far = low + batch.values[:, slot.index] * slot.attribute.span > 8
    chosen = (batch.present[:, slot.index] & far).nonzero()[:1, 0]
    view = StreetView(encoding)
    assert torch.autograd.gradcheck(
        lambda values: view(batch, values, chosen), batch.values.double().requires_grad_()
    )


def test_anchors_are_counted_in_lanes_and_need_a_street(encoding):
    scene = sample_scene(encoding.grammar, 3)
    anchors = street_anchors(scene)
    parents = {node.id: node for node in scene.nodes}
    for node, row in zip(scene.nodes, anchors.tolist(), strict=True):
        parent = parents.get(node.parent or "")
        if parent is not None and parent.class_name == "lane":
            oncoming = float(parent.attributes["direction"] == "oncoming")
            assert row == [1, parent.attributes["position"], 1, oncoming]
        elif parent is not None and parent.class_name == "side":
            right = parent.attributes["edge"] == "right"
            assert row[0] == 1 and row[2] == (1 if right else -1) and (row[1] > 0) == right
        else:
            assert row == [0, 0, 0, 0]
    flat = load_grammar(SCENES / "multi_mnist.yaml")
    assert not street_anchors(sample_scene(flat, 0)).any()
    assert has_streets(encoding) and not has_streets(Encoding(flat))
