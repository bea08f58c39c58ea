"""The models of trees and bushes by name. No bpy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ..shapes import Shape
from .broadleaf import BROADLEAVES, broadleaf
from .bushes import BUSHES, bush
from .conifers import column, pine, spruce

_MODELS: dict[str, Callable[[np.random.Generator], Shape]] = {
    **{name: partial(broadleaf, kind) for name, kind in BROADLEAVES.items()},
    "conifer": spruce,
    "conifer_pine": pine,
    "conifer_column": column,
    **{name: partial(bush, kind) for name, kind in BUSHES.items()},
}

TREE_MODELS = tuple(_MODELS)


def tree(model: str) -> Shape:
    """A tree or bush, 1 m tall, its trunk at the origin; every build gives the same shape."""
    # Seeded by the name, so that a new model leaves the others as they are.
    shape = _MODELS[model](np.random.default_rng(list(model.encode())))
    return shape.scaled(1 / shape.vertices[:, 2].max())
