"""Stop writing the data set."""

import bpy

from ..session import session
from ..waiting import Waiting


class METASIM_OT_dataset_cancel(Waiting, bpy.types.Operator):
    """Stop writing the data set. What is written stays, and can be completed later"""

    bl_idname = "metasim.dataset_cancel"
    bl_label = "Cancel"
    panel = "dataset"
    doing = "Cancelling the data set"

    def steps(self, context):
        yield session().link.ask("dataset_cancel")

    def invoke(self, context, event):
        # Not modal: the panel follows the data set to its end.
        session().link.ask("dataset_cancel")
        return {"FINISHED"}
