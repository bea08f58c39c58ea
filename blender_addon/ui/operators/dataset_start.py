"""Write a data set of labelled pictures."""

import time
from concurrent.futures import Future

import bpy

from ...contract.panel import ENDED, FORMATS
from ..backend_process import LinkError
from ..link import CONNECTED
from ..paths import absolute
from ..preferences import workers_blender
from ..session import session
from ..street_in_file import settings_of
from ..waiting import Waiting
from .sample import default_grammar

TELL_EVERY = 10.0  # seconds between two lines of progress


class Written(Future):
    """Done when the data set is, one way or another; ``cancel`` cancels the data set."""

    def done(self):
        now = session()
        now.pump()
        return now.link.state != CONNECTED or now.dataset.state in ENDED

    def result(self, timeout=None):
        dataset = session().dataset
        told = time.monotonic()
        while not self.done():
            time.sleep(0.1)
            if time.monotonic() - told >= TELL_EVERY:  # a script waits here
                told = time.monotonic()
                print(f"Data set: {dataset.done} of {dataset.count} pictures.", flush=True)
        if dataset.state != "finished":
            raise LinkError(dataset.sentence or f"The data set was {dataset.state}.")
        return dataset.folder

    def cancel(self):
        session().link.ask("dataset_cancel")


class METASIM_OT_dataset_start(Waiting, bpy.types.Operator):
    """Render and label as many scenes as are wanted, in a program of its own. A data set that was
    begun is completed"""

    bl_idname = "metasim.dataset_start"
    bl_label = "Write Data Set"
    panel = "dataset"
    doing = "Beginning the data set"

    run: bpy.props.StringProperty(
        name="Run", description="The run's folder; empty: the scene's", options={"SKIP_SAVE"}
    )
    grammar: bpy.props.StringProperty(
        name="Grammar",
        description="A grammar whose prior is shown; empty: as the scene's settings say",
        options={"SKIP_SAVE"},
    )
    count: bpy.props.IntProperty(
        name="Pictures", description="How many; 0: the scene's", min=0, options={"SKIP_SAVE"}
    )
    format: bpy.props.EnumProperty(
        name="Format",
        description="How the labels are written",
        items=(("SCENE", "The scene's", "As the scene's settings say"),)
        + tuple((name, name.upper(), "") for name in FORMATS),
        options={"SKIP_SAVE"},
    )
    folder: bpy.props.StringProperty(
        name="Folder", description="Where it is written; empty: the scene's", options={"SKIP_SAVE"}
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Which scenes are drawn", min=0, options={"SKIP_SAVE"}
    )
    width: bpy.props.IntProperty(
        name="Width", description="Pixels; 0: the scene's", min=0, options={"SKIP_SAVE"}
    )
    height: bpy.props.IntProperty(
        name="Height", description="Pixels; 0: the scene's", min=0, options={"SKIP_SAVE"}
    )
    preset: bpy.props.StringProperty(
        name="Preset",
        description="draft, train or export; empty: the scene's",
        options={"SKIP_SAVE"},
    )

    def steps(self, context):
        now = session()
        own = settings_of(context)
        folder = absolute(self.folder or own.dataset_folder)
        if not folder:
            raise ValueError("There is no folder for the data set; choose one.")
        run, grammar = absolute(self.run), absolute(self.grammar)
        if not run and not grammar and own.dataset_from == "RUN":
            run = absolute(own.run)
            if not run:
                raise ValueError(
                    "There is no run; choose a run folder, or take the prior's scenes."
                )
        now.need_link()
        if not run and not grammar:
            grammar = absolute(own.grammar) or (yield from default_grammar(now))
        fields = {"run": run} if run else {"grammar": grammar}
        count = self.count or own.dataset_count
        now.dataset.begin(folder, count)
        try:
            yield now.link.ask(
                "dataset_start",
                **fields,
                prior=not run,
                count=count,
                format=own.dataset_format if self.format == "SCENE" else self.format,
                folder=folder,
                seed=self.seed,
                size=[self.width or own.width, self.height or own.height],
                preset=self.preset or own.dataset_preset,
                blender=workers_blender(),
            )
        except ValueError:
            now.dataset.state = ""
            raise
        if not self.options.is_invoke or bpy.app.background:
            yield Written()  # a script waits; in a window the panel follows it
