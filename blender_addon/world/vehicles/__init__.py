"""Vehicles of the street: cars, vans, trucks, buses and caravans. No bpy.

A finished shape has its front towards +X and its origin under its middle; metres.
"""

from __future__ import annotations

from ..shapes import Shape
from .bodies import BODIES, CAR_MODELS, VAN_MODELS
from .body import Body, car
from .bus import bus
from .caravan import caravan
from .surfaces import CAR_COLOURS, SURFACES
from .trucks import TRUCK_MODELS, truck

BUS_MODELS = ("bus",)
CARAVAN_MODELS = ("caravan",)
VEHICLE_MODELS: dict[str, tuple[str, ...]] = {
    "car": CAR_MODELS,
    "van": VAN_MODELS,
    "truck": TRUCK_MODELS,
    "bus": BUS_MODELS,
    "caravan": CARAVAN_MODELS,
}
"""The models of each class of vehicles."""

__all__ = [
    "BODIES", "BUS_MODELS", "Body", "CARAVAN_MODELS", "CAR_COLOURS", "CAR_MODELS", "SURFACES",
    "TRUCK_MODELS", "VAN_MODELS", "VEHICLE_MODELS", "vehicle",
]  # fmt: skip


def vehicle(model: str) -> Shape:
    """The shape of a model of any class of vehicles.

    Raises:
        KeyError: when there is no such model.
    """
    if model in BODIES:
        return car(BODIES[model])
    if model in TRUCK_MODELS:
        return truck(model)
    return {"bus": bus, "caravan": caravan}[model]()
