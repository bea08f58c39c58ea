"""Load a scene graph from a JSON file; needs no backend."""

import bpy
from bpy_extras.io_utils import ImportHelper

from ...contract import scene_graph
from ..paths import absolute
from ..session import session
from ..showing import show_prior


class METASIM_OT_load_scene(bpy.types.Operator, ImportHelper):
    """Show a scene graph from a JSON file, such as `metasim sample` writes"""

    bl_idname = "metasim.load_scene"
    bl_label = "Load Scene Graph"
    bl_options = {"UNDO"}

    filename_ext = ".json"
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def execute(self, context):
        now = session()
        now.said.pop("scene", None)
        try:
            graph = scene_graph.load(absolute(self.filepath))
            show_prior(context, graph, now.any_classes(graph))
        except ValueError as error:
            now.said["scene"] = str(error)
            self.report({"WARNING" if self.options.is_invoke else "ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
