"""Save the scene graph that is shown as a JSON file."""

import bpy
from bpy_extras.io_utils import ExportHelper

from ...contract import scene_graph
from ..hand_edits import take_in
from ..paths import absolute
from ..session import session
from ..street_in_file import shown_graph, street_scene


class METASIM_OT_save_scene(bpy.types.Operator, ExportHelper):
    """Write the scene graph that is shown, with your changes, as JSON"""

    bl_idname = "metasim.save_scene"
    bl_label = "Save Scene Graph"

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    @classmethod
    def poll(cls, context):
        return street_scene(context) is not None

    def execute(self, context):
        session().said.pop("scene", None)
        take_in(street_scene(context))
        try:
            scene_graph.save(shown_graph(street_scene(context)), absolute(self.filepath))
        except (ValueError, OSError) as error:
            sentence = str(error)
            if isinstance(error, OSError):
                sentence = f"{self.filepath!r} cannot be written: {error.strerror}."
            session().said["scene"] = sentence
            self.report({"WARNING" if self.options.is_invoke else "ERROR"}, sentence)
            return {"CANCELLED"}
        return {"FINISHED"}
