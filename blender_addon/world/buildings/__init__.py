"""Shapes of buildings: one metre wide and tall, as many storeys and windows as the size asks for.

A node's width and height scale the shape, so small changes stretch it smoothly; the number of
storeys and of windows a storey changes only between a few classes. No bpy.
"""

from .models import BUILDING_MODELS, HOUSE_MODELS, TOWN_MODELS, building, building_class
from .surfaces import BUILDING_COLOURS, SURFACES

__all__ = [
    "BUILDING_COLOURS",
    "BUILDING_MODELS",
    "HOUSE_MODELS",
    "SURFACES",
    "TOWN_MODELS",
    "building",
    "building_class",
]
