"""Scenes that show one model from four sides, on an empty street."""

from __future__ import annotations

from blender_addon.contract.catalogue import Asset
from blender_addon.contract.scene_graph import AttributeValue, Node, SceneGraph
from blender_addon.contract.street_classes import STREET_CLASSES

NODE = "model"
SIDES = {"back": 0.0, "left side": 90.0, "front": 180.0, "right side": 270.0}
"""What is seen, by the yaw of what stands ahead of the camera."""
HEIGHTS = {"person": 1.7, "tree": 7.0, "scenery": 9.0, "building": 8.0, "pole": 6.0, "sign": 2.6}
"""Metres, of what a node's attribute scales and its catalogue does not measure."""
SIZE = 8.0  # metres, of what has a width or a length by its node
AWAY, BESIDE = 5.0, 3.0
_STREET = (
    Node("street", "street", None, {"setting": "suburban", "weather": "clear"}),
    Node("sky", "sky", "street", {"sun_azimuth": 215.0, "sun_elevation": 42.0,
                                  "sun_strength": 3.0, "sky_strength": 0.9}),
    Node("road", "road", "street", {"lane_width": 3.5, "curvature": 0.0, "rise": 0.0}),
    Node("lane", "lane", "road", {"position": 0, "direction": "ahead"}),
    Node("side_left", "side", "road", {"edge": "left", "parking_width": 0.0,
                                       "sidewalk_width": 2.5, "ground": "grass"}),
    Node("side_right", "side", "road", {"edge": "right", "parking_width": 0.0,
                                        "sidewalk_width": 2.5, "ground": "grass"}),
)  # fmt: skip


def model_views(asset: Asset) -> dict[str, SceneGraph]:
    """By what is seen, a scene; one alone of what has no direction of its own."""
    treats = STREET_CLASSES[asset.class_name]
    on_road = treats.tilted and treats.turned
    height = asset.height or HEIGHTS.get(asset.class_name, 1.0)
    large = max(asset.length, height if treats.scaled in ("height", "box") else 0.0, 3.0)
    away = AWAY + large if on_road or treats.turned else AWAY + 2 * large
    values: dict[str, AttributeValue] = {
        "model": asset.name,
        "along": away,
        "across": 0.0 if on_road else BESIDE,
    }
    if treats.wears:
        values["colour"] = {"paint": "silver", "cloth": "blue", "wall": "plaster"}[treats.wears]
    if treats.scaled in ("height", "box"):
        values["height"] = height
    if treats.scaled in ("box", "length"):
        values["width" if treats.scaled == "box" else "length"] = SIZE
    turn = 0.0 if on_road else 8.0  # towards what stands beside the road
    camera = {"height": 1.65, "pitch": -2.0, "yaw": -turn, "fov": 60.0}
    scenes = {}
    for side, yaw in SIDES.items() if treats.turned else (("as it stands", 0.0),):
        own = values | ({"yaw": yaw} if treats.turned else {})
        scenes[side] = SceneGraph(
            (
                *_STREET,
                Node("camera", "camera", "street", camera),
                Node(NODE, asset.class_name, "lane" if on_road else "side_right", own),
            )
        )
    return scenes
