"""Meta-Sim's Blender side. Importing it needs neither bpy nor a running Blender."""

bl_info = {
    "name": "Meta-Sim",
    "description": "Labelled driving scenes whose content matches your own pictures",
    "author": "The Meta-Sim for Blender authors",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "3D View > Sidebar > Meta-Sim",
    "category": "3D View",
}


def register() -> None:
    """Add panels, operators, properties and preferences to Blender."""
    from . import ui

    ui.register()


def unregister() -> None:
    """Take everything that :func:`register` added out of Blender again."""
    from . import ui

    ui.unregister()
