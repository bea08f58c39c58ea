"""The add-on registered in this process's bpy, and a street to load."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from blender_window import display, scripts  # noqa: F401  fixtures
from street_scenes import make_street

from blender_addon.contract import scene_graph


@pytest.fixture
def bpy_module() -> object:
    """Blender as it starts, without what a test before has made."""
    bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")
    bpy.ops.wm.read_factory_settings(use_empty=False)
    return bpy


@pytest.fixture
def addon(bpy_module, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Blender with the add-on registered, and no backend to be found."""
    import blender_addon

    monkeypatch.delenv("METASIM_PYTHON", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    blender_addon.register()
    yield bpy_module
    blender_addon.unregister()


@pytest.fixture
def street_file(tmp_path: Path) -> Path:
    """A street as JSON."""
    path = tmp_path / "street.json"
    scene_graph.save(make_street(), path)
    return path


@pytest.fixture
def street(addon, street_file: Path):
    """Blender with that street shown."""
    addon.ops.metasim.load_scene(filepath=str(street_file))
    return addon
