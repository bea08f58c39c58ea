"""Show the scene in which the street is."""

import bpy

from ..showing import bring_to_front
from ..street_in_file import street_scene


class METASIM_OT_go_to_street(bpy.types.Operator):
    """Show the scene that the panel's settings belong to"""

    bl_idname = "metasim.go_to_street"
    bl_label = "Show Street"

    @classmethod
    def poll(cls, context):
        scene = street_scene(context)
        return scene is not None and scene != context.scene

    def execute(self, context):
        bring_to_front(context, street_scene(context))
        return {"FINISHED"}
