"""Which shape shows a node: its class and model, and for some its size. No bpy."""

from __future__ import annotations

from collections.abc import Callable

from ..contract.attribute_reading import WorldError, choice, positive
from ..contract.scene_graph import Node
from ..contract.street import barrier_sections
from .barriers import BARRIER_MODELS, barrier
from .buildings import BUILDING_MODELS, building, building_class
from .cyclists import CYCLIST_MODELS, cyclist
from .finishes import WALLS
from .furniture import FURNITURE_MODELS, furniture
from .people import PERSON_MODELS, person
from .poles import POLE_MODELS, SIGN_MODELS, pole
from .shapes import Shape
from .vegetation import TREE_MODELS, tree
from .vehicles import VEHICLE_MODELS, vehicle

# (class, model), and for buildings and barriers how many parts it has, and a building's pattern.
ShapeKey = tuple[str | int, ...]

MODELS: dict[str, tuple[str, ...]] = {
    **VEHICLE_MODELS,
    "person": PERSON_MODELS,
    "cyclist": CYCLIST_MODELS,
    "tree": TREE_MODELS,
    "scenery": TREE_MODELS,
    "barrier": BARRIER_MODELS,
    "building": BUILDING_MODELS,
    "pole": tuple(name for name in POLE_MODELS if name not in SIGN_MODELS),
    "sign": SIGN_MODELS,
    "furniture": FURNITURE_MODELS,
}
"""The shipped models of each class."""

PLANT = "plant"  # in keys, of shipped trees: they stand along the street and behind it, as one mesh
_SHAPES: dict[str, Callable[..., Shape]] = {
    **dict.fromkeys(VEHICLE_MODELS, vehicle),
    "person": person,
    "cyclist": cyclist,
    "tree": tree,
    "scenery": tree,
    PLANT: tree,
    "barrier": barrier,
    "building": building,
    "pole": pole,
    "sign": pole,
    "furniture": furniture,
}

_MEANINGS = {
    "hedge": "vegetation",
    "verge": "terrain",
    "fence": "fence",
    "wall": "wall",
    "guard_rail": "guard rail",
    "traffic_light": "traffic light",
    "bicycle_parked": "bicycle",
}


def shape_key(node: Node, own: tuple[str, ...] = ()) -> ShapeKey:
    """What decides the shape of a placed node.

    Args:
        own: users' models of the node's class, beside the shipped ones.

    Raises:
        WorldError: when an attribute is missing or wrong.
    """
    kind = node.class_name
    remedy = "where it is a model of your own, name its folder in METASIM_ASSETS"
    model = choice(node, "model", (*MODELS[kind], *own), remedy=remedy)
    if model in own:
        return kind, model
    if kind == "building":
        size = building_class(model, positive(node, "width"), positive(node, "height"))
        return kind, model, *size, wall_like(choice(node, "colour", tuple(WALLS)))
    if kind == "barrier":
        return kind, model, barrier_sections(positive(node, "length"))
    if _SHAPES[kind] is tree:
        return PLANT, model
    return kind, model


def is_shape(key: ShapeKey, own: bool) -> bool:
    """Whether there is such a shape: an earlier release, or another catalogue, may have had others.

    Args:
        own: whether it is a user's model.
    """
    kind = str(key[0])
    known = TREE_MODELS if kind == PLANT else MODELS.get(kind, ())
    return own or (kind in _SHAPES and str(key[1]) in known)


def wall_like(colour: str) -> str:
    """The first wall of the same pattern: only the colour is the object's own."""
    pattern = WALLS[colour].pattern
    sizes = {name: wall.grain_size for name, wall in WALLS.items() if wall.pattern == pattern}
    # Plaster's blots may be of one size; a stone is larger than a brick.
    alike = [n for n in sizes if pattern == "mottled" or sizes[n] == sizes[colour]]
    return alike[0]


def meaning(node: Node) -> str:
    """What a placed node is seen as in a semantic map: its class, or more exactly by its model."""
    if node.class_name in ("barrier", "sign", "furniture"):
        model = str(node.attributes.get("model", ""))
        for beginning, name in _MEANINGS.items():
            if model.startswith(beginning):
                return name
    return node.class_name


def shape_of(key: ShapeKey) -> Shape:
    """The shipped shape of a key."""
    kind, how = str(key[0]), key[1:-1] if key[0] == "building" else key[1:]
    if kind not in _SHAPES:
        raise WorldError(f"There is no shape for the class {kind!r}.")
    return _SHAPES[kind](*how)
