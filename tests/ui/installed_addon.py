"""Runs inside a Blender into which the add-on was installed: does it work there?

``python installed_addon.py -- MODULE SCENE_JSON``: enable it, show a scene graph, disable it and
enable it again, all without touching the preferences. Prints ``INSTALLED_ADDON={...}``.
"""

import json
import sys

import bpy


def main(module: str, scene: str) -> None:
    import addon_utils

    if not bpy.app.binary_path:  # the module bpy does not read them by itself
        bpy.ops.wm.read_userpref()
    kept = module in {addon.module for addon in bpy.context.preferences.addons}
    addon_utils.disable(module)  # as a window has it enabled already
    before = names()
    addon_utils.enable(module)
    added = sorted(names() - before)
    python = bpy.context.preferences.addons[module].preferences.python
    bpy.ops.metasim.load_scene(filepath=scene)
    objects = len(bpy.data.objects)
    addon_utils.disable(module)
    left = sorted(names() - before)
    addon_utils.enable(module)
    result = {
        "kept": kept,
        "version": list(bpy.app.version),
        "python": python,
        "added": len(added),
        "objects": objects,
        "left": left,
        "again": len(names() - before) == len(added),
        "file": sys.modules[module].__file__,
    }
    print("INSTALLED_ADDON=" + json.dumps(result))


def names() -> set[str]:
    """All types and properties that an add-on may add, and where its code may stay hooked in."""
    found = {f"type {name}" for name in dir(bpy.types) if name.startswith("METASIM")}
    for kind in (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager, bpy.types.Collection):
        found |= {f"{kind.__name__}.{name}" for name in dir(kind) if "metasim" in name.lower()}
    for name in dir(bpy.app.handlers):
        handlers = getattr(bpy.app.handlers, name)
        if isinstance(handlers, list):
            found |= {
                f"handler {name} {h.__module__}" for h in handlers if "metasim" in h.__module__
            }
    return found


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
