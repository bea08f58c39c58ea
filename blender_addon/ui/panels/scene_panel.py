"""Sample a street, switch between prior and learned, look at its nodes and change them."""

import bpy

from ...world.own_objects import CLASS
from ..operators.give_class import is_own
from ..sentences import draw_error, draw_text
from ..session import session
from ..street_in_file import settings_of
from . import CATEGORY
from .busy import draw_busy
from .whose import draw_whose

_ICONS = {
    "street": "SCENE_DATA",
    "sky": "LIGHT_SUN",
    "camera": "CAMERA_DATA",
    "road": "CURVE_PATH",
    "lane": "CURVE_PATH",
    "side": "CURVE_PATH",
    "person": "ARMATURE_DATA",
    "cyclist": "ARMATURE_DATA",
    "building": "HOME",
    "tree": "OUTLINER_OB_POINTCLOUD",
}


class METASIM_UL_nodes(bpy.types.UIList):
    """The scene graph as a tree"""

    def draw_item(self, context, layout, data, item, icon, active_data, active_property, index=0):
        row = layout.row(align=True)
        row.separator(factor=0.01 + 1.2 * item.depth)
        row.label(text=item.name, icon=_ICONS.get(item.class_name, "MESH_CUBE"))


class METASIM_MT_grammars(bpy.types.Menu):
    """The grammars that come with the backend"""

    bl_idname = "METASIM_MT_grammars"
    bl_label = "Grammars"

    def draw(self, context):
        shown = [one for one in session().grammars if one["domain"] == "driving"]
        self.layout.context_pointer_set("metasim_settings", settings_of(context))
        for grammar in shown:
            choice = self.layout.operator("wm.context_set_string", text=grammar["name"])
            choice.data_path, choice.value = "metasim_settings.grammar", grammar["path"]
        if not shown:
            self.layout.label(text="Start the backend: it knows them")


class METASIM_PT_scene(bpy.types.Panel):
    """The street"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Scene"
    bl_order = 1

    def draw(self, context):
        layout = self.layout
        own = draw_whose(layout, context)
        column = layout.column()
        row = column.row(align=True)
        row.prop(own, "grammar", text="", icon="FILE_TEXT", **_placeholder("Driving street"))
        row.menu("METASIM_MT_grammars", text="", icon="DOWNARROW_HLT")
        if not own.grammar and bpy.app.version < (4, 1):
            column.label(text="Empty: the driving street")
        row = column.row(align=True)
        row.operator("metasim.sample", text="", icon="TRIA_LEFT").step = -1
        row.prop(own, "seed")
        row.operator("metasim.sample", text="", icon="TRIA_RIGHT").step = 1
        row = column.row()
        row.scale_y = 1.4
        row.operator("metasim.sample", icon="SCENE_DATA")
        draw_busy(layout, context)
        said = session().said.get("scene")
        if said:
            box = draw_error(layout, context, said)
            if session().link.state != "connected":
                box.operator("metasim.open_preferences", icon="PREFERENCES")
        if own.graph:
            _draw_switch(layout, own)
            _draw_tree(layout, own)
        row = layout.row(align=True)
        row.operator("metasim.load_scene", text="Load", icon="IMPORT")
        row.operator("metasim.save_scene", text="Save", icon="EXPORT")


class METASIM_PT_node(bpy.types.Panel):
    """The chosen node's attributes"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Node"
    bl_parent_id = "METASIM_PT_scene"

    @classmethod
    def poll(cls, context):
        return bool(settings_of(context).graph)

    def draw(self, context):
        layout = self.layout
        own = settings_of(context)
        if is_own(context, context.active_object):
            _draw_own(layout, context.active_object)
            return
        if not 0 <= own.active_node < len(own.nodes):
            layout.label(text="Choose a node or an object.")
            return
        node = own.nodes[own.active_node]
        layout.label(text=f"{node.name} ({node.class_name})")
        column = layout.column(align=True)
        for attribute in node.attributes:
            _draw_attribute(column, attribute)
        if not node.attributes:
            column.label(text="It has no attributes.")
        elif all(attribute.known for attribute in node.attributes):
            if any(attribute.mutable for attribute in node.attributes):
                draw_text(layout, context, "Mutable: learning may change it", icon="UNLOCKED")
        else:
            draw_text(layout, context, "Ranges and units are known once a scene was sampled.")


def _draw_own(layout, body):
    """A user's own object: what it is labelled as."""
    layout.label(text=f"{body.name} (your own)")
    kind = str(body.get(CLASS, ""))
    layout.operator_menu_enum("metasim.give_class", "class_name", text=f"Label: {kind or 'none'}")


def _draw_attribute(column, attribute):
    """Name, unit and range over the value: side by side they are cut off in a narrow sidebar."""
    lock = "UNLOCKED" if attribute.mutable else "LOCKED"
    title = f"{attribute.name} [{attribute.unit}]" if attribute.unit else attribute.name
    bounds = f": {attribute.bounds}" if attribute.bounds else ""
    text = title + bounds
    if attribute.kind == "categorical":
        row = column.split(factor=0.5)
        row.label(text=text, icon=lock if attribute.known else "NONE")
        row.prop(attribute, "category", text="")
        return
    column.label(text=text, icon=lock if attribute.known else "NONE")
    column.prop(attribute, attribute.field, text="")


def _draw_switch(layout, own):
    layout.separator(factor=0.3)
    row = layout.row(align=True)
    for which, text in (("PRIOR", "Prior"), ("LEARNED", "Learned")):
        choice = row.operator("metasim.switch", text=text, depress=own.shown == which)
        choice.to = which
    layout.prop(own, "run")


def _draw_tree(layout, own):
    layout.template_list(
        "METASIM_UL_nodes", "", own, "nodes", own, "active_node", rows=6, maxrows=12
    )


def _placeholder(text):
    """Grey text in an empty field, from Blender 4.1 on."""
    return {"placeholder": text} if bpy.app.version >= (4, 1) else {}
