"""Render the street with labels, and look at them."""

import bpy

from ..sentences import draw_error
from ..session import session
from . import CATEGORY


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
        own = context.scene.metasim
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
        row = layout.row(align=True)
        for name in ("show_boxes", "show_masks", "show_names"):
            row.prop(own, name, toggle=True)
