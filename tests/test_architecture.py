"""Imports keep to the tables of docs/architecture.md, and the circles that stand get fewer."""

import re
import sys

import pytest
from import_graph import ROOT, circles, graph, imported, modules

BACKEND, ADDON = modules("metasim_backend"), modules("blender_addon")
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")

# Circles that stand today. Whoever opens one takes it from its list; nobody adds to them.
CIRCLES_OF_ROOMS = [{"cli", "commands", "serving"}]
CIRCLES_OF_MODULES = [
    {"cli", "commands.serve"}
    | {f"serving.{name}" for name in ("child", "child_process", "server")}
    | {f"serving.{name}" for name in ("dataset_job", "job", "training_job")},
    {f"ui.{name}" for name in ("session", "training_icons")},
]
BLENDERS_OWN_MODULES = {"bpy", "bpy_extras", "blf", "bmesh", "gpu", "gpu_extras", "mathutils"}
# A file of the backend that Blender's Python runs, not ours.
RUN_IN_BLENDER = {"metasim_backend.addon_package.install_in_blender"}


def allowed(heading):
    """Rows of the table whose first column has this heading, as {room: rooms, None for all}."""
    table = re.search(rf"^\| {heading} \| may import \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.M)
    rows = {}
    for line in table[1].splitlines():
        names, targets = (re.findall(r"`(\w+)`", cell) for cell in line.strip("|").split("|"))
        for name in names:
            rows[name] = None if "every room" in line else set(targets)
    return rows


def room(module):
    """``a`` of ``package.a.b``; what starts the package is its command line or its add-on."""
    parts = module.split(".")
    if len(parts) == 1 or parts[1] == "__main__":
        return {"metasim_backend": "cli", "blender_addon": "registration"}[parts[0]]
    return parts[1]


def between_rooms(edges):
    rooms = {room(name): set() for name in edges}
    for name, targets in edges.items():
        rooms[room(name)] |= {room(target) for target in targets} - {room(name)}
    return rooms


PARTS = [("room of the backend", BACKEND), ("room of the add-on", ADDON)]


@pytest.mark.parametrize(("heading", "named"), PARTS)
def test_rooms_import_what_the_table_lets_them(heading, named):
    table = allowed(heading)
    edges = graph(named)
    assert {room(name) for name in named} == table.keys()
    wrong = [
        f"{name} imports {target}"
        for name, targets in edges.items()
        for target in targets
        if room(name) != room(target)
        and table[room(name)] is not None
        and room(target) not in table[room(name)]
    ]
    assert wrong == []


@pytest.mark.parametrize(("heading", "named"), PARTS)
def test_the_table_lets_no_room_import_what_it_does_not(heading, named):
    rooms = between_rooms(graph(named))
    unused = {name: (targets or set()) - rooms[name] for name, targets in allowed(heading).items()}
    assert {name: targets for name, targets in unused.items() if targets} == {}


def only_those_that_stand(circles_now, listed):
    """Each circle is listed, or what is left of a listed one; none is listed that was opened."""
    new = [sorted(circle) for circle in circles_now if not any(circle <= old for old in listed)]
    opened = [sorted(old) for old in listed if not any(circle <= old for circle in circles_now)]
    assert (new, opened) == ([], []), "a circle that is new, or one to be taken from the list"


def test_rooms_have_no_circles_but_those_that_stand():
    rooms = circles(between_rooms(graph(BACKEND))) | circles(between_rooms(graph(ADDON)))
    only_those_that_stand(rooms, CIRCLES_OF_ROOMS)


def test_modules_have_no_circles_but_those_that_stand():
    every = circles(graph(BACKEND)) | circles(graph(ADDON))
    short = [{name.partition(".")[2] for name in circle} for circle in every]
    only_those_that_stand(short, CIRCLES_OF_MODULES)


def test_the_backend_imports_of_the_add_on_only_its_contract_and_never_bpy():
    for name, path in BACKEND.items():
        for target in imported(name, path):
            first = target.split(".")[0]
            theirs = first == "blender_addon" and target != "blender_addon"  # its folder's name
            assert not theirs or target.startswith("blender_addon.contract"), name
            assert first not in BLENDERS_OWN_MODULES or name in RUN_IN_BLENDER, name


def test_the_add_on_imports_numpy_and_blenders_modules_and_itself_only_relatively():
    for name, path in ADDON.items():
        # Blender names an installed add-on otherwise, so that only relative names are right.
        assert not re.search(r"^\s*(from|import) blender_addon", path.read_text(), re.M), name
        plain = room(name) in ("contract", "camera")
        packages = {"numpy"} | (set() if plain else BLENDERS_OWN_MODULES | {"_cycles"})
        for target in imported(name, path):
            first = target.split(".")[0]
            assert first in {"blender_addon", *packages} | sys.stdlib_module_names, (name, target)


def test_circles_and_lazy_imports_are_seen(tmp_path):
    package = tmp_path / "box"
    (package / "inner").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "a.py": "def f():\n    from .inner.b import g",
        "inner/__init__.py": "",
        "inner/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from box import c",
        "c.py": "import importlib\nimportlib.import_module(f'box.{1}')",
        "d.py": "from . import a",
    }
    for name, text in files.items():
        (package / name).write_text(text)
    edges = graph(modules("box", tmp_path))
    assert edges["box.a"] == {"box.inner.b"} and edges["box.inner.b"] == {"box.c"}
    assert edges["box.d"] == {"box.a"}
    everything = frozenset({"box.a", "box.inner.b", "box.c", "box.d", "box.inner"})
    assert circles(edges) == {everything - {"box.inner"}}
