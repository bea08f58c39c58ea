"""Registering leaves no trace behind, and everything can be understood from its tooltip."""

from __future__ import annotations

import threading

import pytest


def traces(bpy) -> dict:
    """All that the add-on adds to."""
    handlers = {
        name: [getattr(handler, "__module__", "") for handler in found]
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list)
    }
    return {
        "types": {name for name in dir(bpy.types) if "metasim" in name.lower()},
        "operators": {n for n in dir(bpy.ops) if n == "metasim"} and dir(bpy.ops.metasim),
        "scene": [p.identifier for p in bpy.types.Scene.bl_rna.properties],
        "window manager": [p.identifier for p in bpy.types.WindowManager.bl_rna.properties],
        "handlers": handlers,
        "threads": {thread.name for thread in threading.enumerate()},
        "data": {name: len(found) for name, found in data(bpy).items()},
    }


def data(bpy) -> dict:
    return {
        name: getattr(bpy.data, name)
        for name in ("scenes", "objects", "meshes", "materials", "images", "worlds", "texts")
    }


def test_registering_thrice_leaves_no_trace(bpy_module):
    import blender_addon

    before = traces(bpy_module)
    for _ in range(3):
        blender_addon.register()
        assert hasattr(bpy_module.types.Scene, "metasim")
        blender_addon.unregister()
    after = traces(bpy_module)
    assert after == before
    assert not hasattr(bpy_module.types.Scene, "metasim")


def test_a_street_survives_disabling_the_add_on(street, street_file):
    import blender_addon

    count = len(street.context.scene.objects)
    blender_addon.unregister()
    blender_addon.register()
    assert len(street.context.scene.objects) == count
    street.ops.metasim.load_scene(filepath=str(street_file))
    assert len(street.context.scene.objects) == count, "the old street was left beside the new"


def test_every_shown_property_and_every_button_has_a_tooltip(addon):
    from blender_addon.ui import CLASSES

    lacking = []
    for one in CLASSES:
        if issubclass(one, addon.types.Operator) and not (one.__doc__ or "").strip():
            lacking.append(one.__name__)
        for found in one.bl_rna.properties:
            if found.identifier not in one.__annotations__ or found.is_hidden:
                continue
            if found.name and found.name != found.identifier and not found.description:
                lacking.append(f"{one.__name__}.{found.identifier}")
    assert not [name for name in lacking if not name.endswith("filter_glob")]


def test_the_versions_agree(addon):
    from blender_addon import bl_info
    from blender_addon.contract.version import ADDON_VERSION

    assert ".".join(map(str, bl_info["version"])) == ADDON_VERSION


def test_buttons_that_need_a_street_are_off_without_one(addon):
    for name in ("render_labels", "save_scene", "switch"):
        assert not getattr(addon.ops.metasim, name).poll()
    with pytest.raises(RuntimeError, match="choose the Python"):
        addon.ops.metasim.sample()
