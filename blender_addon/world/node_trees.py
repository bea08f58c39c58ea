"""The nodes of a material or a world, which from Blender 5.0 on always has some."""

from __future__ import annotations

from typing import Any

import bpy

_ALWAYS = (5, 0)


def new_tree(owner: Any) -> bpy.types.NodeTree:
    """The empty node tree of a material or world that has just been made."""
    if bpy.app.version < _ALWAYS:
        owner.use_nodes = True
    owner.node_tree.nodes.clear()
    return owner.node_tree


def shown_tree(owner: Any) -> bpy.types.NodeTree | None:
    """The node tree that a material or world is shown by; None for one without nodes."""
    if bpy.app.version < _ALWAYS and not owner.use_nodes:
        return None
    return owner.node_tree
