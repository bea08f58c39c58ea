"""Draw a scene from the grammar."""

import bpy

from ...contract import scene_graph
from ...contract.child_counts import child_counts
from ..backend_process import LinkError
from ..paths import absolute
from ..session import session
from ..settings import MOST_SEED
from ..showing import show_prior
from ..street_in_file import settings_of
from ..waiting import Waiting

DEFAULT_GRAMMAR = "driving"


class METASIM_OT_sample(Waiting, bpy.types.Operator):
    """Draw a scene from the grammar and show it. Starts the backend where that is needed"""

    bl_idname = "metasim.sample"
    bl_label = "Sample"
    bl_options = {"UNDO"}
    panel = "scene"
    doing = "Sampling a scene"

    grammar: bpy.props.StringProperty(
        name="Grammar",
        description="The grammar file; empty: the scene's, or else the driving street",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Which scene is drawn; -1: the scene's seed",
        default=-1,
        min=-1,
        max=MOST_SEED,
        options={"SKIP_SAVE"},
    )
    run: bpy.props.StringProperty(
        name="Run",
        description="A training run whose structure, as learned, proposes the scene instead of the "
        "grammar; empty: none",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    step: bpy.props.IntProperty(
        name="Step", description="How far to go on from the seed", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context, properties):
        return {-1: "Show the scene of the seed before", 1: "Show the scene of the next seed"}.get(
            properties.step, cls.__doc__
        )

    def steps(self, context):
        now = session()
        own = settings_of(context)
        seed = min(max((own.seed if self.seed < 0 else self.seed) + self.step, 0), MOST_SEED)
        now.need_link()
        if self.run:
            path = absolute(self.run)
            sampled = now.link.ask("sample", run=path, seed=seed)
            describing = ("run", {"run": path})
        else:
            chosen = self.grammar or own.grammar
            path = absolute(chosen) if chosen else (yield from default_grammar(now))
            sampled = now.link.ask("sample", grammar=path, seed=seed)
            describing = ("grammar", {"path": path})
        if path not in now.classes:
            kind, fields = describing
            described = yield now.link.ask(kind, **fields)
            now.classes[path] = attributes_by_class(described)
            now.children[path] = child_counts(described["grammar"])
        graph = scene_graph.from_dict((yield sampled)["scene"])
        scene = show_prior(context, graph, now.classes[path], now.children.get(path, {}))
        scene.metasim.seed = seed
        if self.grammar:
            scene.metasim.grammar = self.grammar
        if self.run:
            scene.metasim.run = self.run


def default_grammar(now):
    """Path of the grammar that is used when none was chosen."""
    if not now.grammars:
        now.grammars = tuple((yield now.link.ask("grammars"))["grammars"])
    for grammar in now.grammars:
        if grammar["name"] == DEFAULT_GRAMMAR:
            return grammar["path"]
    raise LinkError("The backend ships no driving street; choose a grammar file.")


def attributes_by_class(described):
    """Class -> attribute -> its description, of a grammar as the backend describes it."""
    classes = described["grammar"].get("classes", {})
    return {name: dict(one.get("attributes") or {}) for name, one in classes.items()}
