"""Scenes at the edge, asked of the worker: an error in a sentence or a right picture. Needs bpy."""

from __future__ import annotations

import json
import socket
import threading

import numpy as np
import pytest
from conftest import CubeGeometry, cube_scene

pytest.importorskip("bpy", reason="bpy is not installed")

from blender_addon import worker  # noqa: E402
from blender_addon.capture.labels import labels  # noqa: E402
from blender_addon.contract import wire  # noqa: E402
from blender_addon.contract.frames import RenderSettings, frame_from_message  # noqa: E402
from blender_addon.contract.scene_graph import to_dict  # noqa: E402

SETTINGS = RenderSettings(80, 48, seed=2).to_dict()


class Connection:
    """What the worker is asked, and what it answered."""

    def __init__(self, *asked: wire.Message) -> None:
        self.asked = [*asked, wire.Message("stop")]
        self.answers: list[wire.Message] = []

    def receive(self, wait: float | None = None) -> wire.Message:
        return self.asked.pop(0)

    def send(self, message: wire.Message, timeout: float | None = None) -> None:
        self.answers.append(message)


def ask(stage, *bodies: dict) -> list[wire.Message]:
    connection = Connection(
        *(wire.Message("render", {"job": n, "settings": SETTINGS, **b}) for n, b in
          enumerate(bodies))
    )  # fmt: skip
    assert worker.serve(connection, stage, threads=2) == 0
    return connection.answers


def scene_with(**values) -> dict:
    data = to_dict(cube_scene({"y": 6.0}))
    data["nodes"][1]["attributes"].update(values)
    return data


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_place_that_is_no_number_is_named_and_the_worker_goes_on(cube_stage, text):
    bad = scene_with(x=json.loads(text))
    wrong, next_wrong, right = ask(
        cube_stage,
        {"scene": bad},
        {"scene": scene_with(), "next_scene": bad},
        {"scene": scene_with()},
    )
    for answer in (wrong, next_wrong):
        assert answer.kind == "error" and answer.body["input"] is True
        assert "'cube_0'" in answer.body["reason"] and "'x'" in answer.body["reason"]
    assert right.kind == "frame" and right.body["labels"][0]["visible_pixels"] > 20


def test_settings_and_passes_that_are_unknown_are_named(cube_stage):
    for change in ({"passes": ["smell"]}, {"bounces": "many"}, {"engine": "povray"}):
        (answer,) = ask(cube_stage, {"scene": scene_with(), "settings": {**SETTINGS, **change}})
        assert answer.kind == "error" and answer.body["input"] is True
        assert str(*change.values()).strip("[]'") in answer.body["reason"]


@pytest.mark.parametrize("far", [1e5, 1e7, -1e7])
def test_a_cube_far_beyond_everything_has_a_label_and_no_pixel(cube_stage, far):
    (answer,) = ask(cube_stage, {"scene": scene_with(x=far, y=abs(far) / 2)})
    assert answer.kind == "frame", answer.body
    (label,) = answer.body["labels"]
    assert label["visible_pixels"] == 0 and label["occlusion"] == 3


def test_a_matrix_that_is_not_finite_is_named():
    geometry = CubeGeometry()
    geometry.show(cube_scene({}))
    (item,) = geometry.objects()
    item.matrix[0, 3] = np.nan
    index = np.zeros((48, 80), np.uint16)
    with pytest.raises(ValueError, match="'cube_0'.*not finite"):
        labels([item], index, geometry.camera_intrinsics(80, 48), geometry.camera_pose())


def test_two_thousand_cubes_have_two_thousand_labels_that_agree_with_the_picture(cube_stage):
    cubes = [
        {"x": 1.4 * (n % 50 - 24.5), "y": 6 + 2.5 * (n // 50), "kind": "car"} for n in range(2000)
    ]
    (answer,) = ask(cube_stage, {"scene": to_dict(cube_scene(*cubes, height=8.0, pitch=-14.0))})
    assert answer.kind == "frame", answer.body
    body = {k: v for k, v in answer.body.items() if k != "job"}
    frame = frame_from_message(body, dict(answer.arrays))
    assert len(frame.labels) == 2000
    seen = [label for label in frame.labels if label.visible_pixels]
    assert len(seen) > 150 and sum(o.visible_pixels for o in seen) == (frame.index > 0).sum()
    assert {label.index for label in seen} == set(np.unique(frame.index)) - {0}
    assert (frame.semantic[frame.index > 0] == 26).all()


def test_a_frame_with_all_passes_passes_a_real_socket(cube_stage):
    """NaN in the flow, and a body that JSON without NaN can hold."""
    settings = {**SETTINGS, "passes": ["normal", "flow"]}
    (answer,) = ask(
        cube_stage,
        {"scene": to_dict(cube_scene({"y": 6.0}, {"x": 2.0})), "settings": settings,
         "next_scene": scene_with(x=0.5)},
    )  # fmt: skip
    ours, theirs = socket.socketpair()
    got: list[wire.Message] = []

    def listen() -> None:
        with wire.Connection(theirs, "token", server=True) as connection:
            got.append(connection.receive(wait=10))

    listener = threading.Thread(target=listen)
    listener.start()
    with wire.Connection(ours, "token", server=False) as connection:
        connection.send(answer)
        listener.join(timeout=10)
    body = {k: v for k, v in got[0].body.items() if k != "job"}
    frame = frame_from_message(body, dict(got[0].arrays))
    assert np.isnan(frame.flow[frame.index == 2]).all() and (frame.index == 2).any()
    assert frame.normal.shape == (48, 80, 3) and frame.rendered_by.startswith("cycles on cpu")


def street(*placed: tuple[str, str, dict]) -> dict:
    nodes = [
        ("street", "street", None, {"setting": "suburban"}),
        ("sky", "sky", "street",
         {"sun_azimuth": 60.0, "sun_elevation": 45.0, "sun_strength": 3.0, "sky_strength": 1.0}),
        ("camera", "camera", "street", {"height": 1.6, "pitch": 0.0, "yaw": 0.0, "fov": 80.0}),
        ("road", "road", "street", {"lane_width": 3.2, "curvature": 0.0}),
        ("lane_0", "lane", "road", {"position": 0, "direction": "ahead"}),
        *((name, class_name, "lane_0", values) for name, class_name, values in placed),
    ]  # fmt: skip
    keys = ("id", "class", "parent", "attributes")
    return {
        "version": 1,
        "domain": "driving",
        "seed": 1,
        "nodes": [dict(zip(keys, node, strict=True)) for node in nodes],
    }


def car(along: float, across: float = 0.0) -> dict:
    return {"along": along, "across": across, "yaw": 0.0, "model": "saloon", "colour": "red"}


def test_streets_at_the_edge_are_refused_in_a_sentence_or_shown():
    from blender_addon.world.stage import Stage

    many = [(f"car_{n}", "car", car(6.0 + 5.0 * (n // 10), 2.5 * (n % 10))) for n in range(1995)]
    strange, nowhere, crowd, one = ask(
        Stage(),
        {"scene": street(("dragon_0", "dragon", {"along": 9.0}))},
        {"scene": street(("car_0", "car", car(float("nan"))))},
        {"scene": street(*many)},
        {"scene": street(("car_0", "car", car(9.0)))},
    )
    for answer, names in ((strange, ("dragon_0", "dragon")), (nowhere, ("car_0", "along"))):
        assert answer.kind == "error" and answer.body["input"] is True
        assert all(repr(name) in answer.body["reason"] for name in names), answer.body["reason"]
    assert crowd.kind == "frame", crowd.body
    assert len(crowd.body["labels"]) == 1995
    assert sum(label["visible_pixels"] > 0 for label in crowd.body["labels"]) > 20
    assert one.kind == "frame" and one.body["labels"][0]["visible_pixels"] > 50
