"""Start a backend, or connect to one, as the preferences say."""

import time
from concurrent.futures import Future

import bpy

from ..backend_process import LinkError
from ..link import CONNECTED, STARTING
from ..session import session
from ..waiting import Waiting


class Connecting(Future):
    """Done when the link is connected or lost."""

    def done(self):
        return session().link.state != STARTING

    def result(self, timeout=None):
        link = session().link
        while link.state == STARTING:
            time.sleep(0.05)
        if link.state != CONNECTED:
            raise LinkError(link.sentence)
        return link.sentence


class METASIM_OT_backend_start(Waiting, bpy.types.Operator):
    """Start the backend with the Python of the preferences, or connect to a running one"""

    bl_idname = "metasim.backend_start"
    bl_label = "Start Backend"
    panel = "backend"
    doing = "The backend is starting"

    def steps(self, context):
        session().connect()
        yield Connecting()
