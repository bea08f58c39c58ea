"""Users' own models: each format becomes one mesh that stands, faces and measures as it should."""

from __future__ import annotations

import json

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from street_scenes import make_street  # noqa: E402

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.contract.catalogue import CatalogueError, user_assets  # noqa: E402
from blender_addon.world.library import Library  # noqa: E402
from blender_addon.world.materials import object_colour  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402

KINDS = ("objects", "meshes", "materials", "images", "collections", "lights", "cameras", "scenes")

# A wedge, 2 long (x), 1 wide, 1 high, its low end at +x; in the file it stands on z = 5.
WEDGE = [(-1, -0.5, 5), (-1, 0.5, 5), (1, -0.5, 5), (1, 0.5, 5), (-1, -0.5, 6), (-1, 0.5, 6)]
FACES = [(0, 1, 3, 2), (0, 4, 5, 1), (2, 3, 5, 4), (0, 2, 4), (1, 5, 3)]


def wedge_object(materials=("trim", "colour")):
    mesh = bpy.data.meshes.new("wedge")
    mesh.from_pydata(WEDGE, [], FACES)
    for name in materials:
        mesh.materials.append(bpy.data.materials.new(name))
    mesh.polygons.foreach_set("material_index", [0, 1, 1, 1, 1])
    body = bpy.data.objects.new("wedge", mesh)
    bpy.context.scene.collection.objects.link(body)
    return body


def remove(body) -> None:
    mesh = body.data
    materials = [m for m in mesh.materials if m]
    bpy.data.objects.remove(body)
    bpy.data.meshes.remove(mesh)
    bpy.data.batch_remove(materials)


def write(path, materials=("trim", "colour")) -> None:
    """The wedge as a file of the path's format."""
    body = wedge_object(materials)
    try:
        if path.suffix == ".blend":
            bpy.data.libraries.write(str(path), {body})
        elif path.suffix == ".obj":
            for item in bpy.context.view_layer.objects:
                item.select_set(item is body)
            bpy.ops.wm.obj_export(filepath=str(path), export_selected_objects=True,
                                  export_materials=True)  # fmt: skip
        else:
            for item in bpy.context.view_layer.objects:
                item.select_set(item is body)
            bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    finally:
        remove(body)


@pytest.fixture
def staged(tmp_path):
    """Makes a stage whose only asset is the wedge in a format, as a car of 4 m."""
    made = []

    def make(file: str, materials=("trim", "colour"), **changes):
        write(tmp_path / file, materials)
        entry = {"name": "wedge", "class": "car", "file": file, "length": 4.0, **changes}
        (tmp_path / "catalogue.json").write_text(json.dumps({"assets": [entry]}))
        before = {kind: set(getattr(bpy.data, kind)) for kind in KINDS}
        scene = bpy.data.scenes.new("library tests")
        stage = Stage(scene, user_assets((tmp_path,)))
        made.append((stage, scene, before))
        return stage

    yield make
    for stage, scene, before in made:
        stage.clear()
        bpy.data.scenes.remove(scene)
        left = {kind: set(getattr(bpy.data, kind)) - before[kind] for kind in KINDS}
        assert not any(left.values()), f"left behind: {left}"


def one_wedge(model: str = "wedge", colour: str = "red"):
    scene = make_street(curvature=0.0)
    values = {"along": 20.0, "across": 0.0, "yaw": 0.0, "model": model, "colour": colour}
    return scene.with_attributes({"car_0": values})


@pytest.mark.parametrize("file", ["wedge.blend", "wedge.obj", "wedge.glb"])
def test_a_users_model_stands_on_the_road_in_its_catalogue_size(staged, file):
    stage = staged(file)
    stage.show(one_wedge())
    (car,) = [item for item in stage.objects() if item.node == "car_0"]
    assert car.dimensions == pytest.approx((4.0, 2.0, 2.0), rel=1e-4)
    world = np.column_stack([car.vertices, np.ones(len(car.vertices))]) @ car.matrix.T
    np.testing.assert_allclose(world[:, 2].min(), 0.0, atol=1e-5)
    np.testing.assert_allclose(car.bottom_center[:2], (0.0, 20.0), atol=1e-6)
    # High end behind, low end ahead: along +Y for a car that drives ahead.
    top = world[world[:, 2] > 1.9]
    assert (top[:, 1] < 20.0).all()


def test_turn_brings_the_front_forward(staged):
    stage = staged("wedge.obj", turn=180)
    stage.show(one_wedge())
    (car,) = [item for item in stage.objects() if item.node == "car_0"]
    assert (car.vertices[car.vertices[:, 2] > 1.9][:, 0] > 0).all()


def test_faces_of_the_material_called_colour_take_the_nodes_colour(staged):
    stage = staged("wedge.blend")
    stage.show(one_wedge(colour="blue"))
    body = stage.body("car_0")
    assert tuple(body.color) == pytest.approx(object_colour("paint", "blue"))
    assert body.material_slots[0].material.name.startswith("metasim worn")
    numbers = [polygon.material_index for polygon in body.data.polygons]
    assert numbers == [1, 0, 0, 0, 0]
    stage.show(one_wedge(colour="red"))
    assert tuple(stage.body("car_0").color) == pytest.approx(object_colour("paint", "red"))


def test_a_model_without_such_faces_keeps_its_own_material_on_an_object_that_wore_paint(staged):
    stage = staged("wedge.blend", ("trim", "rubber"))
    stage.show(one_wedge("hatchback"))
    body = stage.body("car_0")
    assert body.material_slots[0].material.name.startswith("metasim worn")
    stage.show(one_wedge())
    body = stage.body("car_0")
    assert [slot.material.name for slot in body.material_slots] == ["trim", "rubber"]
    stage.show(one_wedge("hatchback"))
    body = stage.body("car_0")
    assert body.material_slots[0].material.name.startswith("metasim worn")


def test_shipped_models_are_there_too_and_an_unknown_one_is_named(staged):
    stage = staged("wedge.obj")
    stage.show(one_wedge("hatchback"))
    with pytest.raises(WorldError, match="'lorry_of_mine' is unknown; use .*wedge"):
        stage.show(one_wedge("lorry_of_mine"))


def test_a_file_that_holds_no_mesh_is_named(staged, tmp_path):
    stage = staged("wedge.obj")
    (tmp_path / "wedge.obj").write_text("# nothing\n")
    with pytest.raises(WorldError, match="wedge.obj holds no mesh"):
        stage.show(one_wedge())


def test_two_cars_of_a_users_model_share_its_mesh(staged):
    stage = staged("wedge.glb")
    scene = make_street(curvature=0.0, car=2)
    both = {f"car_{i}": {"model": "wedge"} for i in range(2)}
    stage.show(scene.with_attributes(both))
    assert stage.body("car_0").data is stage.body("car_1").data


# What a render of the file would show ----------------------------------------------------------


def box(name, size, at, scene):
    mesh = bpy.data.meshes.new(name)
    x, y, z = (half / 2 for half in size)
    corners = [(a * x, b * y, c * z) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh.from_pydata(corners, [], faces)
    item = bpy.data.objects.new(name, mesh)
    item.location = at
    scene.collection.objects.link(item)
    return item


def saved(path, make):
    """A .blend file whose scene `make` fills; nothing of it stays here."""
    before = {kind: set(getattr(bpy.data, kind)) for kind in KINDS}
    curves = set(bpy.data.curves)
    scene = bpy.data.scenes.new("model")
    scene.view_layers[0].update()  # without it Blender 5.2 has no layers yet
    make(scene)
    bpy.data.libraries.write(str(path), {scene})
    for kind in (*KINDS, "curves"):
        known = curves if kind == "curves" else before[kind]
        bpy.data.batch_remove([one for one in getattr(bpy.data, kind) if one not in known])


def loaded(tmp_path, make=None, file="model.blend", **entry):
    """The vertices [V, 3] of a car whose file `make` fills, and its mesh."""
    if make is not None:
        saved(tmp_path / file, make)
    entry = {"name": "mine", "class": "car", "file": file, **entry}
    (tmp_path / "catalogue.json").write_text(json.dumps({"assets": [entry]}))
    library = Library(user_assets((tmp_path,)))
    mesh = library.load(("car", "mine"))
    points = np.array([vertex.co for vertex in mesh.vertices])
    return points, mesh, library


@pytest.fixture
def load(tmp_path):
    made = []

    def loading(*arguments, **options):
        points, mesh, library = loaded(tmp_path, *arguments, **options)
        made.append((mesh, library))
        return points, mesh

    yield loading
    for mesh, library in made:
        bpy.data.meshes.remove(mesh)
        library.clear()


BODY = (4.0, 1.8, 1.0)


def body(scene):
    return box("body", BODY, (0, 0, 0.5), scene)


def collection_of(name, item, scene):
    collection = bpy.data.collections.new(name)
    scene.collection.objects.unlink(item)
    collection.objects.link(item)
    scene.collection.children.link(collection)
    return collection


def test_what_is_hidden_in_renders_or_excluded_is_left_out(load):
    def make(scene):
        body(scene)
        collection_of("unseen", box("tower", (1, 1, 9), (0, 0, 4), scene), scene).hide_render = True
        collection_of("out", box("slab", (12, 1, 1), (0, 0, 0), scene), scene)
        scene.view_layers[0].layer_collection.children["out"].exclude = True
        box("ghost", (1, 1, 20), (0, 0, 9), scene).hide_render = True

    points, _ = load(make)
    assert np.ptp(points, axis=0) == pytest.approx(BODY, abs=1e-5) and len(points) == 8


def test_what_is_hidden_in_the_view_alone_is_taken(load):
    def make(scene):
        body(scene)
        box("roof", (2, 1, 0.5), (0, 0, 1.25), scene).hide_viewport = True

    points, _ = load(make)
    assert np.ptp(points, axis=0)[2] == pytest.approx(1.5, abs=1e-5)


def test_instances_of_a_collection_are_taken_where_they_stand(load):
    def make(scene):
        box("body", (4.0, 1.8, 1.0), (0, 0, 1.0), scene)
        wheel = bpy.data.collections.new("wheel")
        tyre = box("tyre", (0.6, 0.2, 0.6), (0, 0, 0), scene)
        scene.collection.objects.unlink(tyre)
        wheel.objects.link(tyre)  # in no scene itself
        for x in (-1.4, 1.4):
            for y in (-0.8, 0.8):
                empty = bpy.data.objects.new("place", None)
                empty.instance_type, empty.instance_collection = "COLLECTION", wheel
                empty.location = (x, y, 0.3)
                scene.collection.objects.link(empty)

    points, _ = load(make)
    assert len(points) == 8 * 5
    low = points[points[:, 2] < 0.01]
    found = {(round(float(x), 2), round(float(y), 2)) for x, y, _ in low}
    assert found == {(x, y) for x in (-1.7, -1.1, 1.1, 1.7) for y in (-0.9, -0.7, 0.7, 0.9)}
    assert np.ptp(points, axis=0)[2] == pytest.approx(1.5, abs=1e-5)


def test_curves_are_taken_as_they_are_drawn(load):
    def make(scene):
        body(scene)
        curve = bpy.data.curves.new("rail", "CURVE")
        curve.dimensions, curve.bevel_depth = "3D", 0.1
        spline = curve.splines.new("POLY")
        spline.points.add(1)
        spline.points[0].co, spline.points[1].co = (-1, 0, 1.4, 1), (1, 0, 1.4, 1)
        scene.collection.objects.link(bpy.data.objects.new("rail", curve))

    points, _ = load(make)
    assert np.ptp(points, axis=0)[2] == pytest.approx(1.5, abs=1e-3)


def test_joining_keeps_uv_maps_and_colours_whatever_their_names(load):
    def make(scene):
        for number, name in enumerate(("UVMap", "UVChannel_1")):
            part = box(f"part {number}", (2.0, 1.8, 1.0), (2.0 * number, 0, 0.5), scene)
            layer = part.data.uv_layers.new(name=name)
            layer.data.foreach_set("uv", np.full(2 * len(part.data.loops), 0.25 + 0.5 * number))
            colours = part.data.color_attributes.new(
                name=f"paint {number}", type="FLOAT_COLOR", domain=("POINT", "CORNER")[number]
            )
            shade = np.tile([0.25 + 0.5 * number, 0, 0, 1], len(colours.data))
            colours.data.foreach_set("color", shade)

    _, mesh = load(make)
    layer = next(one for one in mesh.uv_layers if one.active_render)
    uv = np.array([one.uv[0] for one in layer.data])
    corners = np.array([mesh.vertices[one.vertex_index].co.x for one in mesh.loops])
    left = corners < np.median(np.unique(corners.round(3))) - 0.5
    right = corners > np.median(np.unique(corners.round(3))) + 0.5
    assert uv[left] == pytest.approx(0.25) and uv[right] == pytest.approx(0.75)
    colours = mesh.color_attributes[mesh.color_attributes.render_color_index]
    red = np.array([one.color[0] for one in colours.data])
    assert red[left] == pytest.approx(0.25) and red[right] == pytest.approx(0.75)


def test_bone_shapes_of_a_skinned_glb_are_left_out(load, tmp_path):
    for item in bpy.context.view_layer.objects:
        item.select_set(False)
    before = {kind: set(getattr(bpy.data, kind)) for kind in (*KINDS, "armatures", "actions")}
    scene = bpy.context.scene
    part = body(scene)
    armature = bpy.data.armatures.new("bones")
    bones = bpy.data.objects.new("bones", armature)
    scene.collection.objects.link(bones)
    bpy.context.view_layer.objects.active = bones
    bpy.ops.object.mode_set(mode="EDIT")
    bone = armature.edit_bones.new("root")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 8)
    bpy.ops.object.mode_set(mode="OBJECT")
    part.parent = bones
    group = part.vertex_groups.new(name="root")
    group.add(range(8), 1.0, "REPLACE")
    part.modifiers.new("bones", "ARMATURE").object = bones
    for item in (part, bones):
        item.select_set(True)
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "model.glb"), use_selection=True)
    for kind, there in before.items():
        bpy.data.batch_remove([one for one in getattr(bpy.data, kind) if one not in there])
    points, _ = load(file="model.glb")
    assert np.ptp(points, axis=0) == pytest.approx(BODY, abs=1e-5)


# How it lies -----------------------------------------------------------------------------------


def test_a_model_that_lies_across_is_refused_with_the_turn_that_helps(load):
    def make(scene):
        box("body", (1.8, 4.5, 1.5), (0, 0, 0.75), scene)

    with pytest.raises(WorldError, match=r"is 11\.25 m wide, .* says 1\.8; set turn to 90 or -90"):
        load(make, length=4.5, width=1.8)
    points, _ = load(file="model.blend", length=4.5, width=1.8, turn=90)
    assert np.ptp(points, axis=0) == pytest.approx((4.5, 1.8, 1.5), abs=1e-4)


@pytest.mark.parametrize("up", ["x", "y", "z"])
def test_up_says_which_of_the_files_axes_is_up(load, tmp_path, up):
    """An .obj whose car is 4 long and 1.8 wide about whichever axis is up."""
    heights = {"x": (1.5, 1.8, 4.0), "y": (4.0, 1.5, 1.8), "z": (4.0, 1.8, 1.5)}[up]
    x, y, z = (half / 2 for half in heights)
    lines = [f"v {a * x} {b * y} {c * z}" for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)]
    lines += ["f 1 2 4 3", "f 5 7 8 6", "f 1 5 6 2", "f 3 4 8 7", "f 1 3 7 5", "f 2 6 8 4"]
    (tmp_path / "model.obj").write_text("\n".join(lines) + "\n")
    points, _ = load(file="model.obj", length=4.0, up=up)
    assert np.ptp(points, axis=0) == pytest.approx((4.0, 1.8, 1.5), abs=1e-4)


def test_another_axis_is_refused(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\n")
    entry = {"name": "mine", "class": "car", "file": "a.obj", "up": "w"}
    (tmp_path / "catalogue.json").write_text(json.dumps({"assets": [entry]}))
    with pytest.raises(CatalogueError, match="'up' is 'w'; use x, y, z"):
        user_assets((tmp_path,))
