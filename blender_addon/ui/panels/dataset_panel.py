"""Write labelled pictures to a folder."""

import bpy

from ..sentences import draw_error, draw_text
from ..session import session
from . import CATEGORY
from .whose import draw_whose


class METASIM_PT_dataset(bpy.types.Panel):
    """Data sets"""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
    bl_label = "Dataset"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        own, dataset = draw_whose(layout, context), session().dataset
        column = layout.column()
        column.enabled = not dataset.active
        column.row(align=True).prop(own, "dataset_from", expand=True)
        if own.dataset_from == "RUN":
            column.prop(own, "run", text="Run")
        column.prop(own, "dataset_count")
        column.row(align=True).prop(own, "dataset_format", expand=True)
        column.prop(own, "dataset_folder", text="Folder")
        column.prop(own, "dataset_preset", text="Preset")
        column.label(text=f"{own.width} × {own.height} pixels")
        row = layout.row(align=True)
        row.scale_y = 1.4
        if dataset.active:
            row.operator("metasim.dataset_cancel", icon="CANCEL")
        else:
            row.operator("metasim.dataset_start", icon="FILE_FOLDER")
        failed = dataset.sentence if dataset.state == "failed" else ""
        said = session().said.get("dataset") or failed
        if said:
            draw_error(layout, context, said)
        if dataset.active:
            row = layout.row()
            row.enabled = False
            text = f"{dataset.done} of {dataset.count}"
            row.prop(context.window_manager.metasim, "dataset_progress", text=text, slider=True)
        elif dataset.state and not said:
            whole = dataset.state == "finished"
            number = str(dataset.done) if whole else f"{dataset.done} of {dataset.count}"
            draw_text(layout, context, f"{number} pictures in {dataset.folder}")
