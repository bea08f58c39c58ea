"""Runs inside Blender: install the zip, enable the add-on, keep the preferences.

``blender --background --python install_in_blender.py -- ZIP PYTHON``. Prints ``METASIM_MODULE=...``
with the add-on's module when it is there. Uses nothing of this project.
"""

import sys

import bpy

FOLDER = "metasim"
REPOSITORY = "user_default"
FIRST_WITH_EXTENSIONS = (4, 2, 0)


def install(archive: str) -> str:
    """Install and enable; the module's name."""
    if bpy.app.version >= FIRST_WITH_EXTENSIONS:
        bpy.ops.extensions.package_install_files(
            filepath=archive, repo=REPOSITORY, enable_on_install=True, overwrite=True
        )
        return f"bl_ext.{REPOSITORY}.{FOLDER}"
    bpy.ops.preferences.addon_install(filepath=archive, overwrite=True)
    bpy.ops.preferences.addon_enable(module=FOLDER)
    return FOLDER


def main(archive: str, python: str) -> None:
    import addon_utils  # is there only once bpy is

    module = install(archive)
    if not addon_utils.check(module)[1] or not hasattr(bpy.types, "METASIM_OT_sample"):
        raise SystemExit(f"Blender did not enable {module}.")
    preferences = bpy.context.preferences.addons[module].preferences
    if hasattr(preferences, "python") and not preferences.python:
        preferences.python = python
    bpy.ops.wm.save_userpref()
    print(f"METASIM_MODULE={module}")


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
