"""One colour a labelled object, the same in the viewport and the image editor; and Cityscapes' own
colours of its classes."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ..contract.semantics import CITYSCAPES

GOLDEN = 0.61803398875
MOST = 4096


CITYSCAPES_COLOURS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "unlabeled": (0, 0, 0),
        "static": (0, 0, 0),
        "dynamic": (111, 74, 0),
        "ground": (81, 0, 81),
        "road": (128, 64, 128),
        "sidewalk": (244, 35, 232),
        "parking": (250, 170, 160),
        "building": (70, 70, 70),
        "wall": (102, 102, 156),
        "fence": (190, 153, 153),
        "guard rail": (180, 165, 180),
        "pole": (153, 153, 153),
        "traffic light": (250, 170, 30),
        "traffic sign": (220, 220, 0),
        "vegetation": (107, 142, 35),
        "terrain": (152, 251, 152),
        "sky": (70, 130, 180),
        "person": (220, 20, 60),
        "rider": (255, 0, 0),
        "car": (0, 0, 142),
        "truck": (0, 0, 70),
        "bus": (0, 60, 100),
        "caravan": (0, 0, 90),
        "trailer": (0, 0, 110),
        "train": (0, 80, 100),
        "motorcycle": (0, 0, 230),
        "bicycle": (119, 11, 32),
    }
)
"""sRGB, 8 bits, by class: cityscapesscripts/helpers/labels.py of the data set's authors."""


def class_table() -> np.ndarray:
    """(largest id + 1) x 3 float32 sRGB of Cityscapes' label ids."""
    colours = np.zeros((max(CITYSCAPES.values()) + 1, 3), np.float32)
    for name, number in CITYSCAPES.items():
        colours[number] = CITYSCAPES_COLOURS[name]
    return colours / np.float32(255)


def colour(index: int) -> tuple[float, float, float]:
    """sRGB of a labelled object; neighbours in number are far apart in hue."""
    if index == 0:
        return 0.0, 0.0, 0.0
    return colorsys.hsv_to_rgb((index * GOLDEN) % 1.0, 0.75, 1.0 - 0.25 * (index % 3) / 2)


def table(largest: int) -> np.ndarray:
    """(largest + 1) x 3 float32 sRGB; black for 0."""
    return np.array([colour(i) for i in range(largest + 1)], np.float32)
