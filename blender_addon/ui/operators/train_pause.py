"""Pause the training."""

import bpy

from ..session import session
from ..waiting import Waiting


class METASIM_OT_train_pause(Waiting, bpy.types.Operator):
    """Hold the training; it keeps its memory and uses no processor"""

    bl_idname = "metasim.train_pause"
    bl_label = "Pause"
    panel = "train"
    doing = "Pausing the training"

    def steps(self, context):
        yield session().link.ask("train_pause")
