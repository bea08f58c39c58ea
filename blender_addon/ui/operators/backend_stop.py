"""Stop the backend, or hang up."""

import bpy

from ..redraw import redraw_panels
from ..session import session


class METASIM_OT_backend_stop(bpy.types.Operator):
    """End the backend that was started here, or hang up on one that was not. The scene stays"""

    bl_idname = "metasim.backend_stop"
    bl_label = "Stop Backend"

    def execute(self, context):
        session().link.close()
        session().said.pop("backend", None)
        redraw_panels()
        return {"FINISHED"}
