"""Start a training, or go on with one."""

import bpy

from ..paths import absolute
from ..preferences import workers_blender
from ..session import session
from ..street_in_file import settings_of
from ..waiting import Waiting
from .sample import default_grammar


class METASIM_OT_train_start(Waiting, bpy.types.Operator):
    """Learn from the target pictures. Goes on in the backend while you work here"""

    bl_idname = "metasim.train_start"
    bl_label = "Start Training"
    panel = "train"
    doing = "Training starts"

    resume: bpy.props.BoolProperty(
        name="Resume",
        description="Go on with the run where it stopped",
        options={"SKIP_SAVE"},
    )
    run: bpy.props.StringProperty(
        name="Run", description="The run's folder; empty: the scene's", options={"SKIP_SAVE"}
    )
    grammar: bpy.props.StringProperty(
        name="Grammar", description="The grammar file; empty: the scene's", options={"SKIP_SAVE"}
    )
    target: bpy.props.StringProperty(
        name="Target pictures", description="Empty: the scene's", options={"SKIP_SAVE"}
    )
    validation: bpy.props.StringProperty(
        name="Labelled pictures", description="Empty: the scene's", options={"SKIP_SAVE"}
    )
    phases: bpy.props.StringProperty(
        name="Phases",
        description="Names with commas, such as pretrain,match; empty: the scene's",
        options={"SKIP_SAVE"},
    )
    overrides: bpy.props.StringProperty(
        name="Settings",
        description="Such as surrogate.rounds=4, separated by spaces; empty: the scene's",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context, properties):
        if properties.resume:
            return "Go on with the run in the run folder where it stopped"
        return cls.__doc__

    def steps(self, context):
        now = session()
        own = settings_of(context)
        run = absolute(self.run or own.run)
        target = absolute(self.target or own.target)
        if not run:
            raise ValueError("There is no run folder; choose an empty folder for the run.")
        if not self.resume and not target:
            raise ValueError("There are no target pictures; choose their folder.")
        phases = self.phases.split(",") if self.phases else chosen_phases(own)
        validation = absolute(self.validation or own.validation)
        if not self.resume and "task" in phases and not validation:
            raise ValueError(
                "The phase Task is scored on labelled pictures; choose their folder in Labelled."
            )
        now.need_link()
        fields = {"run": run, "resume": self.resume, "blender": workers_blender()}
        if not self.resume:
            grammar = absolute(self.grammar or own.grammar)
            fields |= {
                "grammar": grammar or (yield from default_grammar(now)),
                "target": target,
                "validation": validation or None,
                "phases": phases,
                "overrides": (self.overrides or own.overrides).split(),
            }
        answer = yield now.link.ask("train_start", **fields)
        now.training.begin(str(answer.get("run") or run))
        if self.run:
            own.run = self.run


def chosen_phases(own):
    """The phases that are ticked, in the order in which they are done."""
    order = own.bl_rna.properties["phases"].enum_items.keys()
    return [name for name in order if name in own.phases]
