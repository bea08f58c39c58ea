"""The models of buildings, which sizes they come in, and the shape of each."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..shapes import Shape
from . import houses, town
from .layout import Plan


@dataclass(frozen=True)
class _Kind:
    """A model and its limits.

    Attributes:
        make: builds it in metres.
        floor: height of a storey, metres.
        roof: height of what is above and below the storeys, metres.
        storeys: the fewest and the most.
    """

    make: Callable[[Plan], Shape]
    floor: float
    roof: float
    storeys: tuple[int, int]


_HOUSES = {
    "gable_street": _Kind(houses.gable_street, 2.7, 4.1, (1, 3)),
    "gable_front": _Kind(houses.gable_front, 2.7, 4.4, (1, 3)),
    "hipped": _Kind(houses.hipped, 2.7, 3.6, (1, 3)),
    "half_timbered": _Kind(houses.half_timbered, 2.5, 5.0, (1, 3)),
    "villa": _Kind(houses.villa, 3.0, 4.2, (1, 3)),
    "bungalow": _Kind(houses.bungalow, 2.7, 2.7, (1, 1)),
    "terraced": _Kind(houses.terraced, 2.8, 4.2, (1, 3)),
    "garage_house": _Kind(houses.garage_house, 2.7, 4.1, (1, 3)),
    "balcony_house": _Kind(houses.balcony_house, 2.7, 4.4, (2, 3)),
    "farmhouse": _Kind(houses.farmhouse, 2.7, 4.8, (1, 2)),
}
_TOWN = {
    "flat_block": _Kind(town.flat_block, 2.8, 2.7, (2, 6)),
    "balcony_block": _Kind(town.balcony_block, 2.8, 2.7, (2, 6)),
    "mansard_house": _Kind(town.mansard_house, 3.2, 4.9, (2, 5)),
    "warehouse": _Kind(town.warehouse, 3.2, 1.8, (2, 5)),
    "shop": _Kind(town.shop, 3.0, 3.6, (2, 5)),
    "ribbon_office": _Kind(town.ribbon_office, 3.1, 2.7, (2, 6)),
    "glass_office": _Kind(town.glass_office, 3.2, 2.7, (2, 6)),
    "corner_house": _Kind(town.corner_house, 3.1, 4.0, (2, 5)),
}
_KINDS = _HOUSES | _TOWN

HOUSE_MODELS = tuple(_HOUSES)
TOWN_MODELS = tuple(_TOWN)
BUILDING_MODELS = HOUSE_MODELS + TOWN_MODELS

# Upper limit of the width, metres, and the windows a storey below it.
_BAYS = ((9.0, 3), (15.0, 5), (float("inf"), 7))


def building_class(model: str, width: float, height: float) -> tuple[int, int]:
    """(storeys, windows a storey) of a model for a size in metres.

    As many storeys as come nearest to their natural height, within what suits the model.
    """
    kind = _KINDS[model]
    fewest, most = kind.storeys
    storeys = min(max(round((height - kind.roof) / kind.floor), fewest), most)
    bays = next(count for limit, count in _BAYS if width < limit)
    return storeys, bays


def building(model: str, storeys: int, bays: int) -> Shape:
    """A building, front towards +X, 1 m wide (along Y) and 1 m tall, BUILDING_DEPTH deep.

    The walls are BUILDING_DEPTH apart; eaves, steps and balconies stand out further.
    """
    kind = _KINDS[model]
    seed = zlib.crc32(f"{model} {storeys} {bays}".encode())
    shape = kind.make(Plan(storeys, bays, kind.floor, np.random.default_rng(seed)))
    wide = 2 * np.abs(shape.vertices[:, 1]).max()
    return shape.scaled((1.0, 1 / wide, 1 / shape.vertices[:, 2].max()))
