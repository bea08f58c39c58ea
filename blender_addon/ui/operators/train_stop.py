"""Stop the training."""

import bpy

from ..session import session
from ..waiting import Waiting


class METASIM_OT_train_stop(Waiting, bpy.types.Operator):
    """End the training after a checkpoint; it can be gone on with later"""

    bl_idname = "metasim.train_stop"
    bl_label = "Stop"
    panel = "train"
    doing = "Stopping the training"

    def steps(self, context):
        yield session().link.ask("train_stop")
