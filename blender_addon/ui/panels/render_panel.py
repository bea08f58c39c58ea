"""Render the street with labels, and look at them."""

import os

import bpy

from ..frame_images import PICTURE
from ..sentences import draw_error, draw_text
from ..session import session
from . import CATEGORY
from .whose import draw_whose


class METASIM_PT_render(bpy.types.Panel):
    """Pictures and labels"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Render"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        own = draw_whose(layout, context)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(own, "preset")
        column.prop(own, "engine")
        column.prop(own, "device")
        size = column.column(align=True)
        size.prop(own, "width", text="Width [px]")
        size.prop(own, "height", text="Height [px]")
        column.prop(own, "render_folder")
        row = layout.row()
        row.scale_y = 1.4
        row.operator("metasim.render_labels", icon="RENDER_STILL")
        if not own.graph:
            layout.label(text="Sample or load a scene first.", icon="INFO")
        said = session().said.get("render")
        if said:
            draw_error(layout, context, said)
        elif session().written:
            draw_text(layout, context, f"Written to {session().written}", icon="CHECKMARK")
            folder = os.path.dirname(session().written)
            layout.operator(
                "wm.path_open", text="Open Folder", icon="FILE_FOLDER"
            ).filepath = folder
        if bpy.data.images.get(PICTURE) is not None:
            layout.label(text="Picture shown")
            layout.grid_flow(row_major=True, columns=3, even_columns=True, align=True).prop(
                own, "channel", expand=True
            )
        layout.label(text="Over the camera's view")
        row = layout.row(align=True)
        for name in ("show_boxes", "show_masks", "show_names"):
            row.prop(own, name, toggle=True)
