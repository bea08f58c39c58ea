"""Models as people save them: what a render shows is loaded, everything else is said in a sentence
that names the model, and a refused file leaves nothing behind."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.contract.catalogue import user_assets  # noqa: E402
from blender_addon.world import model_files  # noqa: E402
from blender_addon.world.library import Library  # noqa: E402

KINDS = ("objects", "meshes", "materials", "images", "collections", "scenes", "curves")


def box(scene, name="body", size=(4.5, 1.8, 1.5), at=(0.0, 0.0, 0.75)):
    mesh = bpy.data.meshes.new(name)
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh.from_pydata(corners, [], faces)
    body = bpy.data.objects.new(name, mesh)
    body.scale, body.location = size, at
    scene.collection.objects.link(body)
    return body


@pytest.fixture(autouse=True)
def file_scene():
    """A scene of its own, to be saved alone; all that a test made is gone afterwards."""
    before = everything()
    scene = bpy.data.scenes.new("model")
    yield scene
    bpy.data.batch_remove(everything() - before)


def everything():
    return {item for kind in (*KINDS, "texts") for item in getattr(bpy.data, kind)}


def loaded(folder, file):
    """Length, width and height of a file as a car of 4.5 m, and its faces."""
    entry = {"name": "mine", "class": "car", "file": file, "length": 4.5}
    (folder / "catalogue.json").write_text(json.dumps({"assets": [entry]}))
    library = Library(user_assets((folder,)))
    before = {kind: len(getattr(bpy.data, kind)) for kind in KINDS}
    try:
        mesh = library.load(("car", "mine"))
        points = np.array([vertex.co for vertex in mesh.vertices])
        faces = len(mesh.polygons)
        bpy.data.meshes.remove(mesh)
    finally:
        library.clear()
        assert {kind: len(getattr(bpy.data, kind)) for kind in KINDS} == before
    return (points.max(0) - points.min(0)).round(2).tolist(), faces


def saved(scene, folder, file="car.blend", *others):
    """Write the scene as a file, and take it from Blender."""
    bpy.data.libraries.write(str(folder / file), {scene, *others})
    made = {item for item in scene.objects if item.name in scene.objects}
    bpy.data.batch_remove({*made, *(item.data for item in made if item.data)})
    return file


def shadow_catcher(big):
    big.is_shadow_catcher = True


def seen_by_no_camera(big):
    big.visible_camera = False


def held_out(big):
    big.is_holdout = True


def hidden_in_renders(big):
    big.hide_render = True


@pytest.mark.parametrize(
    "hide",
    [shadow_catcher, seen_by_no_camera, held_out, hidden_in_renders],
    ids=lambda f: f.__name__,
)
def test_what_no_render_shows_is_left_out(tmp_path, file_scene, hide):
    box(file_scene)
    hide(box(file_scene, "big", (20, 20, 9), (0, 0, 4)))
    assert loaded(tmp_path, saved(file_scene, tmp_path)) == ([4.5, 1.8, 1.5], 6)


def test_what_stands_for_instances_alone_is_left_out(tmp_path, file_scene):
    """A parent whose faces carry copies of its child, and that does not show itself."""
    box(file_scene)
    parent, child = (
        box(file_scene, "parent", (0.2, 0.2, 0.2), (0, 0, 1)),
        box(file_scene, "child", (0.1,) * 3, (0, 0, 1)),
    )
    child.parent = parent
    parent.instance_type, parent.show_instancer_for_render = "FACES", False
    bpy.data.libraries.write(str(tmp_path / "alone.blend"), {file_scene})
    parent.show_instancer_for_render = True
    whole = saved(file_scene, tmp_path)
    assert loaded(tmp_path, "alone.blend")[1] == loaded(tmp_path, whole)[1] - 6


def test_text_and_bevelled_curves_are_shown_and_bare_curves_are_not(tmp_path, file_scene):
    box(file_scene)
    curve = bpy.data.curves.new("ring", "CURVE")
    spline = curve.splines.new("POLY")
    spline.points.add(1)
    spline.points[1].co = (0, 40, 0, 1)
    file_scene.collection.objects.link(bpy.data.objects.new("ring", curve))
    assert loaded(tmp_path, saved(file_scene, tmp_path))[0] == [4.5, 1.8, 1.5]
    box(file_scene)
    text = bpy.data.curves.new("sign", "FONT")
    text.body = "TAXI"
    sign = bpy.data.objects.new("sign", text)
    sign.location = (0, 0, 2)
    file_scene.collection.objects.link(sign)
    size, faces = loaded(tmp_path, saved(file_scene, tmp_path, "taxi.blend"))
    assert size[2] == 2.0 and faces > 6


def test_no_script_or_driver_of_a_file_runs(tmp_path, file_scene):
    body = box(file_scene)
    sign = tmp_path / "ran"
    driver = body.driver_add("location", 2).driver
    driver.expression = f"(open({str(sign)!r}, 'w').close() or 0.75)"
    text = bpy.data.texts.new("evil.py")
    text.write(f"open({str(sign)!r}, 'w').close()")
    text.use_module = True
    file = saved(file_scene, tmp_path, "car.blend", text)
    sign.unlink(missing_ok=True)
    assert loaded(tmp_path, file)[1] == 6
    assert not sign.exists()


def nowhere(body):
    body.data.vertices[0].co = (float("nan"), 0, 0)


def far_beyond(body):
    body.data.vertices[0].co = (1e38, 0, 0)


def without_length(body):
    body.scale = (0, 1.8, 1.5)


def a_point(body):
    body.scale = (0, 0, 0)


def split_too_often(body):
    body.modifiers.new("smooth", "SUBSURF").render_levels = 10


def repeated_too_often(body):
    body.modifiers.new("row", "ARRAY").count = 1_000_000


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nowhere, "points at no finite place"),
        (far_beyond, "points at no finite place"),
        (without_length, "is 0 m long"),
        (a_point, "is 0 m long"),
        (split_too_often, "faces, and a street's model may have"),
        (repeated_too_often, "faces, and a street's model may have"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_stand_on_a_street_is_said(tmp_path, file_scene, spoil, words):
    spoil(box(file_scene))
    file = saved(file_scene, tmp_path)
    with pytest.raises(WorldError, match=words) as raised:
        loaded(tmp_path, file)
    assert "'mine'" in str(raised.value) and "\n" not in str(raised.value)


def test_instances_beyond_number_are_said(tmp_path, file_scene, monkeypatch):
    monkeypatch.setattr(model_files, "MOST_FACES", 20)
    parts = bpy.data.collections.new("parts")
    part = box(file_scene)
    file_scene.collection.objects.unlink(part)
    parts.objects.link(part)
    for number in range(5):
        place = bpy.data.objects.new(f"place {number}", None)
        place.instance_type, place.instance_collection = "COLLECTION", parts
        file_scene.collection.objects.link(place)
    with pytest.raises(WorldError, match="has about 24 faces"):
        loaded(tmp_path, saved(file_scene, tmp_path))


GLTF = {
    "asset": {"version": "2.0"},
    "scene": 0,
    "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
    "accessors": [{"componentType": 5126, "count": 2 * 10**9, "type": "VEC3"}],
}
BUFFER = {
    "buffers": [{"uri": "gone.bin", "byteLength": 36}],
    "bufferViews": [{"buffer": 0, "byteLength": 36}],
    "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.glb", b""),
        ("empty.blend", b""),
        ("empty.obj", b""),
        ("zip.glb", b"PK\3\4" + bytes(100)),
        ("cut.glb", struct.pack("<4sII", b"glTF", 2, 2**31) + bytes(100)),
        ("count.gltf", json.dumps(GLTF).encode()),
        ("endless.gltf", json.dumps(GLTF).replace("2000000000", "9" * 400).encode()),
        ("loop.gltf", json.dumps(GLTF | {"nodes": [{"children": [0]}]}).encode()),
        (
            "gone.gltf",
            json.dumps(GLTF | {"buffers": [{"uri": "no.bin", "byteLength": 9}]}).encode(),
        ),
        ("points.obj", b"v 0 0 0\nv 1 1 1\n"),
        ("index.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n"),
        ("noise.obj", np.random.default_rng(0).bytes(4000)),
    ],
)
def test_a_damaged_file_is_said_in_one_line(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(WorldError, match=name) as raised:
        loaded(tmp_path, name)
    assert "\n" not in str(raised.value) and "Traceback" not in str(raised.value)
