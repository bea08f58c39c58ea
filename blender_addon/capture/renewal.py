"""Begin Cycles' kept data anew, now and then.

Between renders Cycles keeps its scene (persistent data), which makes a moved car cheap. But of
objects that come and go something stays: along changing streets a worker grew by 80 KB a frame
and its frames became a third dearer within 800 (bpy 4.5). Begun anew every 32 streets both stay
flat, for less than it saves.
"""

from __future__ import annotations

from typing import Any

from ..contract.scene_graph import SceneGraph

EVERY = 32


class Renewal:
    """Counts how often other things stand in the scene; what only moves does not count.

    Args:
        every: after so many changes the kept data is begun anew.
    """

    def __init__(self, every: int = EVERY) -> None:
        self._every = every
        self._changes = 0
        self._before: frozenset = frozenset()

    def follow(self, scene: SceneGraph, blender_scene: Any) -> bool:
        """To be told of each scene graph before it is rendered; whether it began anew."""
        present = frozenset((n.id, n.class_name, n.attributes.get("model")) for n in scene.nodes)
        if present != self._before:
            self._before = present
            self._changes += 1
        if self._changes <= self._every:
            return False
        self._changes = 0
        render = blender_scene.render
        if render.use_persistent_data:
            render.use_persistent_data = False  # Blender frees what is kept at once
            render.use_persistent_data = True
        return True
