"""Switch between the grammar's scene and what a run's transformer makes of it."""

import bpy

from ...contract import scene_graph
from ..hand_edits import take_in
from ..paths import absolute
from ..session import session
from ..showing import show_learned, show_prior_again
from ..street_in_file import StreetError, read_graph, shown_graph, street_scene
from ..waiting import Waiting


class METASIM_OT_switch(Waiting, bpy.types.Operator):
    """Move the objects between where the grammar drew them and where the run moves them"""

    bl_idname = "metasim.switch"
    bl_label = "Prior / Learned"
    bl_options = {"UNDO"}
    panel = "scene"
    doing = "Applying the run"

    to: bpy.props.EnumProperty(
        name="To",
        description="What to show",
        items=(
            ("TOGGLE", "The other", "What is not shown now"),
            ("PRIOR", "Prior", "The scene as the grammar drew it"),
            ("LEARNED", "Learned", "The scene as the run changes it; again: as it does by now"),
        ),
        options={"SKIP_SAVE"},
    )
    run: bpy.props.StringProperty(
        name="Run",
        description="The run's folder; empty: the scene's",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context, properties):
        return {
            "PRIOR": "Show the scene as the grammar drew it",
            "LEARNED": "Show the scene as the run's transformer changes it. Again: ask it anew",
        }.get(properties.to, cls.__doc__)

    @classmethod
    def poll(cls, context):
        return street_scene(context) is not None

    def steps(self, context):
        scene = street_scene(context)
        own = scene.metasim
        take_in(scene)
        shown_graph(scene)
        to = self.to
        if to == "TOGGLE":
            to = "LEARNED" if own.shown == "PRIOR" else "PRIOR"
        if to == "PRIOR":
            if own.shown == "LEARNED":
                show_prior_again(context, scene, read_graph(own.prior_graph))
            return
        run = absolute(self.run or own.run)
        if not run:
            raise StreetError("There is no run to apply; choose the folder of a training run.")
        if own.shown == "PRIOR" and own.learned_graph and own.learned_run == run:
            graph = read_graph(own.learned_graph)
        else:
            now = session()
            now.need_link()
            prior = scene_graph.to_dict(read_graph(own.prior_graph))
            answer = yield now.link.ask("transform", run=run, scene=prior)
            graph = scene_graph.from_dict(answer["scene"])
        show_learned(context, scene, graph, run)
        if self.run:
            own.run = self.run
