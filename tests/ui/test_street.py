"""Without a backend: load a street, change it, render it with labels, save it, open it again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from street_scenes import make_street

from blender_addon.contract import scene_graph


def shown(bpy):
    return bpy.context.scene.metasim


def body(bpy, node_id: str):
    (found,) = [one for one in bpy.context.scene.objects if one.get("metasim_node") == node_id]
    return found


def field(bpy, node_id: str, name: str):
    return shown(bpy).nodes[node_id].attributes[name]


def test_a_street_has_a_blender_scene_of_its_own(addon, street_file: Path):
    before = addon.context.scene
    engine, objects = before.render.engine, set(before.objects)
    addon.ops.metasim.load_scene(filepath=str(street_file))
    assert addon.context.scene != before and addon.context.scene.camera.name == "metasim camera"
    assert before.render.engine == engine and set(before.objects) == objects


def test_every_node_is_in_the_tree_and_every_placed_one_has_its_object(street, street_file: Path):
    graph = scene_graph.load(street_file)
    assert {node.name for node in shown(street).nodes} == {node.id for node in graph.nodes}
    for node in graph.nodes:
        attributes = shown(street).nodes[node.id].attributes
        assert [one.name for one in attributes] == list(node.attributes)
    for node_id in ("car_0", "person_0", "tree_0", "building_0", "camera", "sky"):
        body(street, node_id)


def test_a_changed_attribute_moves_its_object_and_only_it(street):
    car, person = body(street, "car_0"), body(street, "person_0")
    place, other = np.array(car.location), np.array(person.location)
    field(street, "car_0", "along").number += 3.0
    moved = np.linalg.norm(np.array(car.location) - place)
    assert moved == pytest.approx(3.0, rel=0.05)  # along a road that is nearly straight here
    assert np.array_equal(other, np.array(person.location))
    graph = scene_graph.from_dict(json.loads(shown(street).graph))
    assert graph.node("car_0").attributes["along"] == field(street, "car_0", "along").number


def test_another_model_is_another_object_and_stays_selected(street):
    from blender_addon.ui.session import session
    from blender_addon.ui.street_in_file import shown_graph

    scene = street.context.scene
    layer = scene.view_layers[0]
    before = body(street, "car_0")
    for one in list(layer.objects.selected):
        one.select_set(False, view_layer=layer)
    before.select_set(True, view_layer=layer)
    layer.objects.active = before
    graph = shown_graph(scene).with_attributes({"car_0": {"model": "suv"}})
    session().street.show(scene, graph)
    after = body(street, "car_0")
    with pytest.raises(ReferenceError):
        before.name  # noqa: B018  a spare would stand in the outliner
    assert after.name == "car_0"
    assert layer.objects.active == after and list(layer.objects.selected) == [after]


def test_a_value_that_the_world_refuses_is_put_back_and_told(street):
    from blender_addon.ui.session import session

    before = field(street, "camera", "fov").number
    field(street, "camera", "fov").number = 500.0
    assert field(street, "camera", "fov").number == before
    assert "500.0 is not an angle" in session().said["scene"]


def test_saving_and_opening_keeps_graph_nodes_and_objects(street, tmp_path: Path):
    field(street, "car_0", "along").number = 21.5
    shown(street).seed, shown(street).grammar = 17, "/some/grammar.yaml"
    text, place = shown(street).graph, tuple(body(street, "car_0").location)
    count = len(street.context.scene.objects)
    file = str(tmp_path / "street.blend")
    street.ops.wm.save_as_mainfile(filepath=file)
    street.ops.wm.read_factory_settings()
    street.ops.wm.open_mainfile(filepath=file)
    own = shown(street)
    assert (own.graph, own.seed, own.grammar) == (text, 17, "/some/grammar.yaml")
    assert tuple(body(street, "car_0").location) == pytest.approx(place)
    field(street, "car_0", "along").number = 30.0  # and the objects still follow
    assert tuple(body(street, "car_0").location) != pytest.approx(place)
    assert len(street.context.scene.objects) == count, "the street stands there twice"


def test_in_a_reopened_file_only_what_is_changed_moves(street, tmp_path: Path):
    """And what the user has made stays: names, modifiers, materials, objects, selection."""
    scene = street.context.scene
    car, house = body(street, "car_0"), body(street, "building_0")
    car.modifiers.new("Bevel", "BEVEL")
    own = street.data.materials.new("mine")
    house.material_slots[0].link = "OBJECT"
    house.material_slots[0].material = own
    car.name = "My car"
    mine = street.data.objects.new("mine", street.data.meshes.new("mine"))
    scene.collection.objects.link(mine)
    layer = scene.view_layers[0]
    for one in scene.objects:
        one.select_set(one == house, view_layer=layer)
    layer.objects.active = house
    file = str(tmp_path / "street.blend")
    street.ops.wm.save_as_mainfile(filepath=file)
    street.ops.wm.read_factory_settings()
    street.ops.wm.open_mainfile(filepath=file)

    scene, layer = street.context.scene, street.context.scene.view_layers[0]
    before = {one: np.array(one.matrix_basis) for one in scene.objects}
    pointers = {one.name: (one.as_pointer(), one.data and one.data.as_pointer()) for one in before}
    field(street, "person_0", "along").number += 2.0
    assert {
        one.name: (one.as_pointer(), one.data and one.data.as_pointer()) for one in scene.objects
    } == pointers
    moved = {one for one, matrix in before.items() if (np.array(one.matrix_basis) != matrix).any()}
    assert moved == {body(street, "person_0")}
    car, house = street.data.objects["My car"], body(street, "building_0")
    assert car["metasim_node"] == "car_0" and car.modifiers[0].type == "BEVEL"
    assert house.material_slots[0].material == street.data.materials["mine"]
    assert layer.objects.active == house and list(layer.objects.selected) == [house]
    assert "mine" in scene.objects and scene.camera["metasim_node"] == "camera"
    field(street, "car_0", "along").number += 2.0  # and the renamed one still follows
    assert (np.array(car.matrix_basis) != before[car]).any()


def test_the_pictures_of_a_reopened_file_are_those_of_the_file_that_was_saved(
    street, tmp_path: Path
):
    from PIL import Image

    own = shown(street)
    own.width, own.height, own.preset = 120, 72, "draft"
    street.ops.metasim.render_labels(folder=str(tmp_path), stem="before")
    file = str(tmp_path / "street.blend")
    street.ops.wm.save_as_mainfile(filepath=file)
    street.ops.wm.read_factory_settings()
    street.ops.wm.open_mainfile(filepath=file)
    street.ops.metasim.render_labels(folder=str(tmp_path), stem="after")
    for name in (".png", "_objects.png", "_classes.png"):
        before, after = (
            np.asarray(Image.open(tmp_path / f"{stem}{name}")) for stem in ("before", "after")
        )
        np.testing.assert_array_equal(before, after)
    texts = [json.loads((tmp_path / f"{stem}.json").read_text()) for stem in ("before", "after")]
    assert texts[0]["labels"] == texts[1]["labels"]


def test_undo_brings_graph_and_objects_back_and_they_go_on_together(street):
    street.ops.ed.undo_push(message="before")
    place = tuple(body(street, "car_0").location)
    count = len(street.context.scene.objects)
    field(street, "car_0", "along").number += 5.0
    street.ops.ed.undo_push(message="moved")
    street.ops.ed.undo()
    assert tuple(body(street, "car_0").location) == pytest.approx(place)
    pointer = body(street, "car_0").as_pointer()
    field(street, "car_0", "along").number += 2.0
    assert tuple(body(street, "car_0").location) != pytest.approx(place)
    assert body(street, "car_0").as_pointer() == pointer, "the object was made anew"
    assert len(street.context.scene.objects) == count


def test_rendering_labels_what_stands_in_the_picture(street, tmp_path: Path):
    own = shown(street)
    own.width, own.height, own.preset = 160, 96, "draft"
    assert street.ops.metasim.render_labels(folder=str(tmp_path), stem="one") == {"FINISHED"}
    picture = street.data.images["Meta-Sim picture"]
    assert tuple(picture.size) == (160, 96)
    described = json.loads((tmp_path / "one.json").read_text())
    labels = {label["node"]: label for label in described["labels"]}
    assert labels["car_0"]["visible_pixels"] > 0
    assert json.loads(picture["metasim_labels"]) == described["labels"]
    from PIL import Image

    index = np.asarray(Image.open(tmp_path / "one_objects.png"))
    for label in labels.values():
        assert (index == label["index"]).sum() == label["visible_pixels"]
    written = np.asarray(Image.open(tmp_path / "one.png"))
    pixels = np.array(picture.pixels[:]).reshape(96, 160, 4)[::-1, :, :3]
    np.testing.assert_allclose(pixels * 255, written, atol=0.51)
    assert np.load(tmp_path / "one_depth.npy").shape == (96, 160)


def test_a_picture_knows_whether_it_shows_the_scene_as_it_is_now(street):
    from blender_addon.ui.frame_images import PICTURE, shows

    own = street.context.scene.metasim
    own.width, own.height, own.preset = 64, 48, "draft"
    street.ops.metasim.render_labels()
    picture = street.data.images[PICTURE]
    assert shows(picture, own.graph)
    own.nodes["car_0"].attributes["along"].number += 5.0
    assert not shows(picture, own.graph)
    street.ops.metasim.render_labels()
    assert shows(picture, own.graph)


def test_the_pictures_stay_in_a_saved_file_and_after_an_undo(street, tmp_path: Path):
    from blender_addon.ui.frame_images import NAMES

    def pixels() -> dict[str, np.ndarray]:
        return {name: np.array(street.data.images[name].pixels[:]) for name in NAMES}

    own = shown(street)
    own.width, own.height, own.preset = 64, 48, "draft"
    street.ops.metasim.render_labels()
    street.ops.ed.undo_push(message="Render with Labels")
    rendered = pixels()
    for name in NAMES:
        image = street.data.images[name]
        assert image.packed_file and image.users and not image.is_dirty, name
    field(street, "car_0", "along").number += 5.0
    street.ops.ed.undo_push(message="moved")
    street.ops.ed.undo()
    for name, values in pixels().items():
        np.testing.assert_allclose(values, rendered[name], atol=1e-3, err_msg=name)
    file = str(tmp_path / "street.blend")
    street.ops.wm.save_as_mainfile(filepath=file)
    street.ops.wm.read_factory_settings()
    street.ops.wm.open_mainfile(filepath=file)
    for name, values in pixels().items():
        np.testing.assert_allclose(values, rendered[name], atol=1e-3, err_msg=name)
    shown(street).width = 80  # and another size can be rendered into them
    street.ops.metasim.render_labels()
    assert all(tuple(street.data.images[name].size) == (80, 48) for name in NAMES)
    assert np.array(street.data.images["Meta-Sim picture"].pixels[:]).std() > 0.05


def test_classes_have_cityscapes_own_colours(street):
    own = shown(street)
    own.width, own.height, own.preset = 64, 48, "draft"
    street.ops.metasim.render_labels()
    pixels = np.array(street.data.images["Meta-Sim classes"].pixels[:]).reshape(48, 64, 4)
    seen = {tuple(colour) for colour in np.rint(255 * pixels[..., :3]).astype(int).reshape(-1, 3)}
    assert {(128, 64, 128), (70, 130, 180)} <= seen  # road, sky


def test_the_pictures_are_those_of_the_headless_worker(street, street_file: Path, tmp_path: Path):
    from PIL import Image

    from blender_addon.capture.picture import render
    from blender_addon.contract.frames import RenderSettings
    from blender_addon.contract.presets import with_preset
    from blender_addon.world.stage import Stage

    own = shown(street)
    own.width, own.height, own.preset = 120, 72, "train"
    street.ops.metasim.render_labels(folder=str(tmp_path), stem="ours")
    scene = street.data.scenes.new("worker")
    stage = Stage(scene)
    stage.show(scene_graph.load(street_file))
    frame = render(stage, with_preset(RenderSettings(120, 72), "train"))
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "ours.png")), frame.image)


def test_an_unwritable_folder_is_told(street, tmp_path: Path):
    (tmp_path / "file").write_text("")
    own = shown(street)
    own.width, own.height, own.preset = 32, 32, "draft"
    with pytest.raises(RuntimeError, match="cannot be written"):
        street.ops.metasim.render_labels(folder=str(tmp_path / "file" / "below"))


def test_saved_scene_graphs_load_again(street, tmp_path: Path):
    field(street, "car_0", "along").number = 19.0
    path = tmp_path / "saved.json"
    street.ops.metasim.save_scene(filepath=str(path))
    assert scene_graph.load(path).node("car_0").attributes["along"] == 19.0
    with pytest.raises(RuntimeError, match="cannot be written"):
        street.ops.metasim.save_scene(filepath=str(tmp_path / "no" / "where.json"))


def test_a_bad_file_is_told_and_the_street_stays(street, tmp_path: Path):
    before = shown(street).graph
    path = tmp_path / "bad.json"
    path.write_text('{"version": 1, "domain": "driving", "nodes": [3]}')
    with pytest.raises(RuntimeError, match="Node number 0 is not a JSON object"):
        street.ops.metasim.load_scene(filepath=str(path))
    digit = make_street()
    scene_graph.save(scene_graph.SceneGraph(digit.nodes, "mnist"), path)
    with pytest.raises(RuntimeError, match="'mnist' are flat pictures"):
        street.ops.metasim.load_scene(filepath=str(path))
    assert shown(street).graph == before


class Recorded:
    """A layout that keeps whose properties and which texts a panel draws."""

    def __init__(self) -> None:
        self.owners, self.texts, self.operators = set(), [], []

    def prop(self, owner, name, **_):
        self.owners.add(owner.id_data)

    def label(self, text="", **_):
        self.texts.append(text)

    def template_list(self, kind, name, owner, *_, **__):
        self.owners.add(owner.id_data)

    def operator(self, name, **_):
        self.operators.append(name)
        return self

    def row(self, **_):
        return self

    column = box = split = row

    def __getattr__(self, name):
        return lambda *_, **__: self


@pytest.mark.parametrize("name", ["scene", "node", "render", "train", "dataset"])
def test_in_another_scene_panels_show_the_street_s_settings_and_say_so(street, name: str):
    """As the buttons use them, wherever they are pressed."""
    from types import SimpleNamespace

    home = street.context.scene
    home.metasim.active_node = home.metasim.nodes.find("car_0")
    other = street.data.scenes.new("Other")
    panel = getattr(street.types, f"METASIM_PT_{name}")
    context = SimpleNamespace(
        scene=other, active_object=None, preferences=street.context.preferences,
        region=SimpleNamespace(width=300), window_manager=street.context.window_manager,
    )  # fmt: skip
    layout = Recorded()
    panel.draw(SimpleNamespace(layout=layout), context)
    assert layout.owners == {home}
    if name != "node":
        assert "Of the scene Meta-Sim" in layout.texts
        assert "metasim.go_to_street" in layout.operators
    at_home = Recorded()
    context.scene = home
    panel.draw(SimpleNamespace(layout=at_home), context)
    assert at_home.owners == {home} and "metasim.go_to_street" not in at_home.operators
