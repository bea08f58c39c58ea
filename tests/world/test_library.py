"""Users' own models: each format becomes one mesh that stands, faces and measures as it should."""

from __future__ import annotations

import json

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from street_scenes import make_street  # noqa: E402

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.contract.catalogue import user_assets  # noqa: E402
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
