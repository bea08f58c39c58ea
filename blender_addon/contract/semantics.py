"""What stands where, by class: Cityscapes' label ids, and how a render's pass index carries them.

Every mesh object has a pass index, and one render's index map therefore tells both which labelled
object a pixel shows and of which class everything else is::

    0                         nothing is known of the object
    1 ... UNLABELLED - 1      labelled objects, one number each
    UNLABELLED + id           all others: id is the Cityscapes id of their class

Blender's pass index ends at 32,767, which leaves room for ids up to 63.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

UNLABELLED = 32_704
LARGEST_ID = 32_767 - UNLABELLED

CITYSCAPES: Mapping[str, int] = MappingProxyType(
    {
        "unlabeled": 0,
        "static": 4,
        "dynamic": 5,
        "ground": 6,
        "road": 7,
        "sidewalk": 8,
        "parking": 9,
        "building": 11,
        "wall": 12,
        "fence": 13,
        "guard rail": 14,
        "pole": 17,
        "traffic light": 19,
        "traffic sign": 20,
        "vegetation": 21,
        "terrain": 22,
        "sky": 23,
        "person": 24,
        "rider": 25,
        "car": 26,
        "truck": 27,
        "bus": 28,
        "caravan": 29,
        "trailer": 30,
        "train": 31,
        "motorcycle": 32,
        "bicycle": 33,
    }
)
"""Cityscapes' ``labelIds`` by name (not its ``trainIds``)."""

SEMANTIC_OF_CLASS: Mapping[str, str] = MappingProxyType(
    {
        "car": "car",
        "van": "car",  # as in Cityscapes, where a van is a car
        "truck": "truck",
        "bus": "bus",
        "caravan": "caravan",
        "trailer": "trailer",
        "tram": "train",
        "train": "train",
        "motorcycle": "motorcycle",
        "bicycle": "bicycle",
        "person": "person",
        "cyclist": "rider",  # one object, machine and all
        "building": "building",
        "wall": "wall",
        "fence": "fence",
        "barrier": "guard rail",
        "guard_rail": "guard rail",
        "pole": "pole",
        "lamp": "pole",
        "sign": "traffic sign",
        "traffic_sign": "traffic sign",
        "traffic_light": "traffic light",
        "tree": "vegetation",
        "scenery": "vegetation",
        "bush": "vegetation",
        "hedge": "vegetation",
        "vegetation": "vegetation",
        "furniture": "static",
        "road": "road",
        "sidewalk": "sidewalk",
        "parking": "parking",
        "terrain": "terrain",
        "ground": "ground",
    }
)
"""A scene graph's class -> the Cityscapes name it is seen as."""


def semantic_id(class_name: str) -> int:
    """Cityscapes' id of a scene graph's class or of a Cityscapes name; 0 for a stranger."""
    return CITYSCAPES.get(SEMANTIC_OF_CLASS.get(class_name, class_name), 0)


def unlabelled_index(class_name: str) -> int:
    """The pass index of an object that has no label of its own, such as ``"road"``."""
    return UNLABELLED + semantic_id(class_name)


def instance_map(raw: np.ndarray) -> np.ndarray:
    """The index map of labelled objects: H x W uint16, 0 for all else.

    Args:
        raw: H x W integer pass indices.
    """
    return np.where(raw < UNLABELLED, raw, 0).astype(np.uint16)


def semantic_map(raw: np.ndarray, classes: Mapping[int, str], sky: np.ndarray) -> np.ndarray:
    """H x W uint8 Cityscapes ids.

    Args:
        raw: H x W uint16 pass indices.
        classes: class of each labelled index; an index that is not there is unlabeled (0).
        sky: H x W bool, where the camera saw no object.
    """
    table = np.zeros(2**16, np.uint8)
    table[UNLABELLED : UNLABELLED + LARGEST_ID + 1] = np.arange(LARGEST_ID + 1)
    for index, class_name in classes.items():
        table[index] = semantic_id(class_name)
    found = table[raw]
    found[sky] = CITYSCAPES["sky"]
    return found
