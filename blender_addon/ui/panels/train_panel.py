"""Learn from a folder of pictures, and watch."""

from pathlib import Path

import bpy

from ...contract.phases import PHASES
from ..sentences import draw_error, draw_text
from ..session import session
from ..training_icons import PICTURE, bar_text, bar_title
from . import CATEGORY
from .whose import draw_whose


class METASIM_PT_train(bpy.types.Panel):
    """Training"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Train"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        own, training = draw_whose(layout, context), session().training
        column = layout.column()
        column.enabled = not training.active
        _draw_field(column, own, "target", "Target")
        _draw_field(column, own, "validation", "Labelled")
        _draw_field(column, own, "run", "Run")
        column.column(align=True).prop(own, "phases")
        _draw_field(column, own, "overrides", "Settings")
        _draw_buttons(layout, training)
        said = session().said.get("train")
        if said or (training.state == "failed" and training.sentence):
            draw_error(layout, context, said or training.sentence)
        if training.state:
            _draw_state(layout, context, training)


class METASIM_PT_training(bpy.types.Panel):
    """What the training has come to"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Progress"
    bl_parent_id = "METASIM_PT_train"

    @classmethod
    def poll(cls, context):
        return bool(session().training.state)

    def draw(self, context):
        layout = self.layout
        training, icons = session().training, session().icons
        for name, title in ((p.curve, p.curve_label) for p in PHASES if p.curve):
            points = training.curve(name)
            if points and icons is not None:
                first, last = points[0][1], points[-1][1]
                layout.label(text=f"{title}: {first:.3g} → {last:.3g}")
                layout.template_icon(icons.number(name), scale=6.0)
        if icons is not None and icons.number(PICTURE):
            layout.label(text="One scene as it is learned")
            layout.template_icon(icons.number(PICTURE), scale=8.0)
        if training.attributes:
            layout.label(text="Attributes, mean ± spread")
        bars = context.window_manager.metasim.bars
        for bar, attribute in zip(bars, training.attributes, strict=False):
            column = layout.column(align=True)
            column.label(text=bar_title(attribute))
            for which in ("prior", "learned"):
                column.prop(bar, which, text=bar_text(attribute, which), slider=True)


def _draw_field(column, own, name, title):
    """A field with its title: Blender's own share for titles cuts these off in a narrow sidebar."""
    row = column.split(factor=0.37)
    row.label(text=title)
    row.prop(own, name, text="")


def _draw_buttons(layout, training):
    row = layout.row(align=True)
    row.scale_y = 1.4
    if not training.active:
        row.operator("metasim.train_start", text="Start", icon="PLAY")
        row.operator("metasim.train_start", text="Go On", icon="FF").resume = True
        return
    if training.state == "paused":
        row.operator("metasim.train_resume", icon="PLAY")
    else:
        row.operator("metasim.train_pause", icon="PAUSE")
    row.operator("metasim.train_stop", icon="SNAP_FACE")


def _draw_state(layout, context, training):
    phase = f", {training.phase}" if training.phase else ""
    layout.label(text=f"{training.state.capitalize()}{phase}")
    if training.steps and training.active:
        row = layout.row()
        row.enabled = False
        text = f"Step {training.step} of {training.steps}"
        row.prop(context.window_manager.metasim, "training_progress", text=text, slider=True)
    if training.sentence and training.state != "failed":
        draw_text(layout, context, training.sentence)
    if training.run and not training.active:
        _draw_results(layout, training.run)


def _draw_results(layout, run):
    """What a training that has ended can be looked at by."""
    row = layout.row(align=True)
    choice = row.operator("metasim.switch", text="Show Learned")
    choice.to, choice.run = "LEARNED", run
    report = Path(run).resolve() / "report.html"
    if report.is_file():
        row.operator("wm.url_open", text="Open Report").url = report.as_uri()
