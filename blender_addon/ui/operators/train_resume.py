"""Resume the training."""

import bpy

from ..session import session
from ..waiting import Waiting


class METASIM_OT_train_resume(Waiting, bpy.types.Operator):
    """Let the paused training go on"""

    bl_idname = "metasim.train_resume"
    bl_label = "Resume"
    panel = "train"
    doing = "The training goes on"

    def steps(self, context):
        yield session().link.ask("train_resume")
