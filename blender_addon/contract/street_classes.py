"""The classes of things that stand on a street, and how the world treats each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STREETS = "driving"
"""The domain of the scene graphs that Blender shows."""


@dataclass(frozen=True)
class StreetClass:
    """A class of placed nodes.

    Attributes:
        labelled: gets an index, a mask, boxes and a label of its own.
        wears: what its object-coloured faces take their attribute ``colour`` from.
        turned: has a ``yaw`` of its own, from its direction of travel.
        front: where a node without a yaw looks: towards the road, against the traffic (signs),
            or anywhere, the same for the same id.
        scaled: by the attribute ``height``; by ``width`` and ``height``; by ``length``; or made in
            its natural size.
        tilted: lies on sloping ground with it, instead of standing upright.
    """

    labelled: bool = False
    wears: Literal["paint", "cloth", "wall", ""] = ""
    turned: bool = False
    front: Literal["road", "traffic", "any"] = "road"
    scaled: Literal["height", "box", "length", "natural"] = "natural"
    tilted: bool = False


_VEHICLE = StreetClass(labelled=True, wears="paint", turned=True, tilted=True)

STREET_CLASSES: dict[str, StreetClass] = {
    "car": _VEHICLE,
    "van": _VEHICLE,
    "truck": _VEHICLE,
    "bus": _VEHICLE,
    "caravan": _VEHICLE,
    "person": StreetClass(labelled=True, wears="cloth", turned=True, scaled="height"),
    "cyclist": StreetClass(labelled=True, wears="cloth", turned=True, tilted=True),
    "tree": StreetClass(front="any", scaled="height"),
    "scenery": StreetClass(front="any", scaled="height"),
    "barrier": StreetClass(scaled="length", tilted=True),
    "building": StreetClass(wears="wall", scaled="box"),
    "pole": StreetClass(scaled="height"),
    "sign": StreetClass(front="traffic", scaled="height"),
    "furniture": StreetClass(),
}
"""By the name that scene graphs use, in the order in which people think of them."""

LABELLED = tuple(name for name, one in STREET_CLASSES.items() if one.labelled)
