"""Is a backend there, which, and how to get one."""

import bpy

from ..link import CONNECTED, STARTING
from ..preferences import PACKAGE, preferences
from ..sentences import draw_error, draw_text
from ..session import session
from . import CATEGORY

_WORDS = {
    "off": ("Off", "UNLINKED"),
    "starting": ("Starting …", "SORTTIME"),
    "connected": ("Connected", "LINKED"),
    "lost": ("Lost", "UNLINKED"),
}
_SHOWN_VERSIONS = ("metasim", "torch", "python")


class METASIM_PT_backend(bpy.types.Panel):
    """The backend's state"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Backend"
    bl_order = 0

    def draw(self, context):
        layout = self.layout
        link, said = session().link, session().said.get("backend")
        words, icon = _WORDS[link.state]
        row = layout.row(align=True)
        row.label(text=words, icon=icon)
        if link.state in (CONNECTED, STARTING):
            row.operator("metasim.backend_stop", text="Stop", icon="CANCEL")
        else:
            dial = preferences().how == "DIAL"
            text = "Connect" if dial else "Start"
            row.operator("metasim.backend_start", text=text, icon="PLAY")
        if link.state == CONNECTED:
            column = layout.column(align=True)
            column.scale_y = 0.8
            column.label(text=f"At {link.address}")
            versions = {k: v for k, v in link.versions.items() if k in _SHOWN_VERSIONS}
            draw_text(column, context, ", ".join(f"{k} {v}" for k, v in versions.items()))
        elif said:
            box = draw_error(layout, context, said)
            box.operator("metasim.open_preferences", icon="PREFERENCES")
        elif link.state != STARTING:
            draw_text(layout, context, "Sample starts it by itself.")


class METASIM_OT_open_preferences(bpy.types.Operator):
    """Open the add-on's preferences, where the backend's Python is chosen"""

    bl_idname = "metasim.open_preferences"
    bl_label = "Preferences"

    def execute(self, context):
        if PACKAGE in context.preferences.addons:
            bpy.ops.preferences.addon_show(module=PACKAGE)
        else:
            bpy.ops.screen.userpref_show()
        return {"FINISHED"}
