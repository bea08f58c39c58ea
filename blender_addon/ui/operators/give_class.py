"""Give a user's own object a class, so that it is labelled."""

import bpy

from ...contract.street_classes import LABELLED, STREET_CLASSES
from ...world.own_objects import CLASS, SHOWN_TYPES
from ...world.stage_parts import is_marked
from ..redraw import redraw_panels
from ..street_in_file import street_scene

NONE = "NONE"
_ORDER = (*LABELLED, *(name for name in STREET_CLASSES if name not in LABELLED))


class METASIM_OT_give_class(bpy.types.Operator):
    """Label the active object, which is your own, as one of this class"""

    bl_idname = "metasim.give_class"
    bl_label = "Label as"
    bl_options = {"REGISTER", "UNDO"}

    class_name: bpy.props.EnumProperty(
        name="Class",
        description="What the object is labelled as",
        items=(
            (NONE, "nothing", "It has no label"),
            *(
                (name, name, "Labelled with mask and boxes" if name in LABELLED else
                 "In the map of classes only")
                for name in _ORDER
            ),
        ),
    )  # fmt: skip

    @classmethod
    def poll(cls, context):
        return is_own(context, context.active_object)

    def execute(self, context):
        body = context.active_object
        if self.class_name == NONE:
            if CLASS in body:
                del body[CLASS]
        else:
            body[CLASS] = self.class_name
        redraw_panels()
        return {"FINISHED"}


def is_own(context, body):
    """Whether an object is a user's own, with a surface, in a street's scene."""
    if body is None or body.type not in SHOWN_TYPES or is_marked(body):
        return False
    return context.scene == street_scene(context)
