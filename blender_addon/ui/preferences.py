"""The add-on's preferences: which backend to use."""

import bpy

from .paths import absolute

PACKAGE = __package__.rpartition(".")[0]
HOST, PORT = "127.0.0.1", 5005


class MetasimPreferences(bpy.types.AddonPreferences):
    """Which Python runs the backend, or where one already runs."""

    bl_idname = PACKAGE

    how: bpy.props.EnumProperty(
        name="Backend",
        description="Start a backend on this machine, or connect to one that already runs",
        items=(
            ("START", "Start", "Start `metasim serve` with the Python below"),
            ("DIAL", "Connect", "Connect to a `metasim serve` that already runs"),
        ),
        default="START",
    )
    python: bpy.props.StringProperty(
        name="Python",
        description="The Python that has metasim installed, such as .venv/bin/python. Empty: the "
        "one in the environment variable METASIM_PYTHON, or else `metasim` on the path",
        subtype="FILE_PATH",
    )
    workers_blender: bpy.props.StringProperty(
        name="Blender of the workers",
        description="The Blender that renders for training and data sets, without a window. "
        "Empty: the backend's own bpy module",
        subtype="FILE_PATH",
    )
    host: bpy.props.StringProperty(
        name="Host", description="Where the running backend listens", default=HOST
    )
    port: bpy.props.IntProperty(
        name="Port", description="The port it listens on", default=PORT, min=1, max=65535
    )
    token: bpy.props.StringProperty(
        name="Token", description="The token that `metasim serve` printed", subtype="PASSWORD"
    )

    def draw(self, context):
        column = self.layout.column()
        column.use_property_split = True
        column.prop(self, "how", expand=True)
        if self.how == "START":
            column.prop(self, "python")
        else:
            column.prop(self, "host")
            column.prop(self, "port")
            column.prop(self, "token")
        column.prop(self, "workers_blender")


class DefaultPreferences:
    """What counts where the add-on was registered without being enabled, as scripts do."""

    how = "START"
    python = ""
    workers_blender = ""
    host, port, token = HOST, PORT, ""


def preferences():
    """The user's preferences, or the defaults."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return DefaultPreferences() if addon is None else addon.preferences


def backend_python() -> str:
    """The chosen Python; a path or a program's name, empty when none is chosen."""
    chosen = preferences().python
    return absolute(chosen) if "/" in chosen or "\\" in chosen else chosen


def workers_blender() -> str | None:
    """The Blender that shall render for the backend; None leaves it to the backend."""
    return absolute(preferences().workers_blender) or None
