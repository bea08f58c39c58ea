"""Connect to a backend that already runs."""

import bpy

from ..preferences import preferences
from ..session import session
from ..waiting import Waiting
from .backend_start import Connecting


class METASIM_OT_backend_connect(Waiting, bpy.types.Operator):
    """Connect to a backend that already runs; what is left empty comes from the preferences"""

    bl_idname = "metasim.backend_connect"
    bl_label = "Connect"
    panel = "backend"
    doing = "Connecting to the backend"

    host: bpy.props.StringProperty(
        name="Host", description="Where it listens", options={"SKIP_SAVE"}
    )
    port: bpy.props.IntProperty(
        name="Port",
        description="The port it listens on; 0: the preferences'",
        min=0,
        max=65535,
        options={"SKIP_SAVE"},
    )
    token: bpy.props.StringProperty(
        name="Token", description="The token that it printed", options={"SKIP_SAVE"}
    )

    def steps(self, context):
        known = preferences()
        session().link.dial(
            self.host or known.host, self.port or known.port, self.token or known.token
        )
        yield Connecting()
