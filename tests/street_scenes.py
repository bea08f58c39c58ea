"""Streets for tests: one of everything, or as much as is asked for."""

from __future__ import annotations

import numpy as np

from blender_addon.contract.scene_graph import Node, SceneGraph

CARS = ("hatchback", "saloon", "estate", "suv")
COLOURS = ("white", "silver", "grey", "black", "blue", "red", "green", "beige")


def make_street(
    rng: np.random.Generator | None = None,
    *,
    curvature: float = 0.006,
    rise: float = 0.0,
    **counts: int,
) -> SceneGraph:
    """A street with one of everything, or with as many as counts say at random places."""
    rng = rng or np.random.default_rng(0)
    nodes = [
        Node("street", "street", None, {"setting": "suburban"}),
        Node("sky", "sky", "street", {"sun_azimuth": 60.0, "sun_elevation": 40.0,
                                      "sun_strength": 3.0, "sky_strength": 0.9}),
        Node("camera", "camera", "street", {"height": 1.65, "pitch": -2.0, "yaw": 3.0,
                                            "fov": 82.0}),
        Node("road", "road", "street", {"lane_width": 3.5, "curvature": curvature,
                                      "rise": rise}),
        Node("lane_0", "lane", "road", {"position": 0, "direction": "ahead"}),
        Node("lane_1", "lane", "road", {"position": -1, "direction": "oncoming"}),
    ]  # fmt: skip
    for edge in ("left", "right"):
        nodes.append(Node(f"side_{edge}", "side", "road", {
            "edge": edge, "parking_width": 2.2, "sidewalk_width": 2.5,
            "ground": "grass"}))  # fmt: skip

    def place(kind: str, parents: tuple[str, ...], across: float, **attributes: object) -> None:
        for i in range(counts.get(kind, 1)):
            values = {k: v(rng, i) if callable(v) else v for k, v in attributes.items()}
            nodes.append(Node(f"{kind}_{i}", kind, parents[i % len(parents)], {
                "along": float(rng.uniform(8, 60)), "across": across, **values}))  # fmt: skip

    def pick(options: tuple[str, ...]):
        return lambda generator, _: str(generator.choice(options))

    yaw = lambda generator, _: float(generator.normal(0, 4))  # noqa: E731
    place("car", ("lane_0", "lane_1"), 0.1, yaw=yaw, model=pick(CARS), colour=pick(COLOURS))
    place("van", ("side_right",), 1.1, yaw=yaw, model=pick(("van", "delivery_van")), colour="white")
    place("person", ("side_right", "side_left"), 3.0, yaw=yaw, height=1.7,
          model=pick(("standing", "walking")), colour=pick(COLOURS))  # fmt: skip
    place("tree", ("side_left",), 6.0, height=lambda g, _: float(g.uniform(3, 12)),
          model=pick(("broadleaf", "conifer", "bush")))  # fmt: skip
    place("building", ("side_right",), 8.0, width=lambda g, _: float(g.uniform(6, 24)),
          height=lambda g, _: float(g.uniform(3, 18)), model=pick(("gable_street", "hipped")),
          colour=pick(("plaster", "brick", "sand", "grey")))  # fmt: skip
    place("pole", ("side_right",), 2.5, height=6.0, model="lamp")
    return SceneGraph(tuple(nodes))
