"""Finishes and materials: every name has one, patterns are fixed to the object and stay quiet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.contract.attribute_reading import WorldError  # noqa: E402
from blender_addon.world.buildings import SURFACES  # noqa: E402
from blender_addon.world.finishes import (  # noqa: E402
    FINISHES,
    PAINTS,
    PATTERNS,
    WALLS,
    Finish,
)
from blender_addon.world.materials import (  # noqa: E402
    Materials,
    finish_of,
    merged,
    object_colour,
    surfaces,
)
from blender_addon.world.meshes import mesh_of  # noqa: E402
from blender_addon.world.shapes import COLOUR, Shape, box  # noqa: E402

# Nodes that Blender has by these names from 3.4 to 5.0.
LASTING = {
    "ShaderNodeAddShader", "ShaderNodeAttribute", "ShaderNodeBsdfDiffuse",
    "ShaderNodeBsdfPrincipled", "ShaderNodeCameraData", "ShaderNodeCombineXYZ",
    "ShaderNodeEmission", "ShaderNodeGroup", "ShaderNodeMath", "ShaderNodeNewGeometry",
    "ShaderNodeObjectInfo", "ShaderNodeOutputMaterial", "ShaderNodeSeparateXYZ",
    "ShaderNodeTexBrick", "ShaderNodeTexCoord", "ShaderNodeTexNoise",
    "ShaderNodeVectorMath", "ShaderNodeVectorTransform",
}  # fmt: skip


@pytest.fixture
def materials():
    made = Materials()
    yield made
    made.clear()


@pytest.fixture
def studio():
    """A Blender scene of its own with sun, sky and a camera that looks along -x."""
    scene = bpy.data.scenes.new("material tests")
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    scene.cycles.use_adaptive_sampling = False
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.resolution_x = scene.render.resolution_y = 96
    world = scene.world = bpy.data.worlds.new("material tests")
    lamp = bpy.data.lights.new("material tests", "SUN")
    lamp.energy = 2.0
    lens = bpy.data.cameras.new("material tests")
    sun, camera = (bpy.data.objects.new("material tests", data) for data in (lamp, lens))
    sun.rotation_euler = (0.5, 0.6, 0.0)
    camera.rotation_euler = (np.pi / 2, 0.0, np.pi / 2)
    for body in (sun, camera):
        scene.collection.objects.link(body)
    scene.camera = camera
    yield scene
    meshes = [o.data for o in scene.collection.objects if o.type == "MESH"]
    bpy.data.batch_remove([*scene.collection.objects, lamp, lens, world, *meshes])
    bpy.data.scenes.remove(scene)


def show(scene, shape: Shape, materials, worn, scale=(1.0, 1.0, 1.0)):
    """The shape as an object, all of it in what is worn: a wearer and a name."""
    mesh = mesh_of(shape, "material tests", materials, worn=worn)
    body = bpy.data.objects.new("material tests", mesh)
    body.scale = scale
    body.color = object_colour(*worn)
    scene.collection.objects.link(body)
    return body


def picture(scene, path, distance: float, *, height: float = 1.5, seed: int = 0) -> np.ndarray:
    """H x W x 3 float32 in [0, 1]."""
    scene.camera.location = (distance, 0.0, height)
    scene.cycles.seed = seed
    scene.render.filepath = str(path / f"{distance}_{seed}.png")
    bpy.ops.render.render(write_still=True, scene=scene.name)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.array(image.pixels[:], np.float32).reshape(96, 96, 4)[..., :3]
    bpy.data.images.remove(image)
    return pixels


def all_names():
    names = [("surface", name) for name in surfaces()]
    names += [("wall", name) for name in WALLS]
    return names + [(wearer, name) for wearer in ("paint", "cloth") for name in PAINTS]


def made(materials, wearer, name):
    return materials.surface(name) if wearer == "surface" else materials.worn(wearer, name)


def test_every_finish_can_be_built_and_all_its_nodes_reach_an_output(materials):
    for name in all_names():
        material = made(materials, *name)
        assert made(materials, *name) is material
        tree = material.node_tree
        assert {node.bl_idname for node in tree.nodes} <= LASTING
        front = [n for n in tree.nodes if n.bl_idname == "ShaderNodeOutputMaterial"]
        assert {output.target for output in front} == {"CYCLES", "EEVEE"}
        reached = set(front)
        while front:
            node = front.pop()
            for socket in node.inputs:
                for link in socket.links:
                    if link.from_node not in reached:
                        reached.add(link.from_node)
                        front.append(link.from_node)
        assert len(reached) == len(tree.nodes), f"{name} has nodes that do nothing"


def test_a_hundred_surfaces_take_a_dozen_shaders_none_of_them_a_lamp(materials):
    several = {made(materials, *name).name for name in all_names()}
    assert len(all_names()) > 100 and len(several) <= 14
    for name in several:
        assert bpy.data.materials[name].cycles.emission_sampling == "NONE"


def test_for_the_solid_view_each_surface_has_its_own_colour_and_the_same_shader():
    own = Materials(solid_view=True)
    for wearer, name in (("surface", "tyre"), ("paint", "red"), ("paint", "blue")):
        material = made(own, wearer, name)
        assert tuple(material.diffuse_color[:3]) == pytest.approx(finish_of(wearer, name).colour)
    assert own.worn("paint", "red") is not own.worn("paint", "blue")
    own.clear()


def test_cleared_materials_are_gone_from_blender():
    before = (len(bpy.data.materials), len(bpy.data.node_groups))
    made = Materials()
    made.worn("wall", "brick")
    made.surface("asphalt")
    assert (len(bpy.data.materials), len(bpy.data.node_groups)) == (before[0] + 2, before[1] + 3)
    made.clear()
    assert (len(bpy.data.materials), len(bpy.data.node_groups)) == before


def test_unknown_names_and_patterns_are_refused(materials):
    for wearer, name in (("wall", "glass"), ("paint", "mauve"), ("x", "y")):
        with pytest.raises(WorldError, match=name):
            materials.worn(wearer, name)
    with pytest.raises(WorldError, match="velvet"):
        materials.surface("velvet")
    with pytest.raises(ValueError, match="stripes"):
        Finish((0.1, 0.1, 0.1), pattern="stripes")


def test_tables_of_rooms_are_merged_and_a_doubled_name_is_an_error():
    assert set(FINISHES) | set(SURFACES) <= set(surfaces())
    glass, other = Finish((0.1, 0.1, 0.1)), Finish((0.2, 0.2, 0.2))
    assert merged({"a": {"glass": glass}, "b": {"tin": other}}) == {"glass": glass, "tin": other}
    with pytest.raises(ValueError, match=r"'glass'.* of a and of c"):
        merged({"a": {"glass": glass}, "b": {}, "c": {"glass": other}})
    with pytest.raises(ValueError, match="'glass'"):
        merged({"a": {"glass": glass}, "b": {"glass": dataclasses.replace(glass)}})


def test_walls_have_ten_colours_or_more_and_each_pattern_is_used():
    assert len(WALLS) >= 10
    used = {f.pattern for table in (surfaces(), WALLS) for f in table.values() if f.grain}
    assert used == set(PATTERNS)


def test_a_walls_bricks_have_their_size_however_the_wall_is_scaled(materials, studio, tmp_path):
    true = box((-1.0, -2.0, 0.0), (0.0, 2.0, 3.0), COLOUR)
    body = show(studio, true, materials, ("wall", "brick"))
    expected = picture(studio, tmp_path, 4.0)
    bpy.data.objects.remove(body)
    small = true.scaled((1, 1 / 4, 1 / 3))
    show(studio, small, materials, ("wall", "brick"), (1.0, 4.0, 3.0))
    scaled = picture(studio, tmp_path, 4.0)
    assert expected[24:72, 24:72].std() > 0.02
    np.testing.assert_allclose(scaled, expected, atol=0.03)


@pytest.mark.parametrize("name", ["brick", "red_brick", "stone"])
def test_bricks_are_seen_near_and_even_far_away(materials, studio, tmp_path, name):
    wall = box((-1, -40, 0.0), (0.0, 40, 60.0), COLOUR)
    show(studio, wall, materials, ("wall", name))
    near, far = (picture(studio, tmp_path, d, height=30.0)[24:72, 24:72] for d in (2.5, 60.0))
    assert far.std(axis=(0, 1)).max() < 0.5 * near.std(axis=(0, 1)).min()
    np.testing.assert_allclose(far.mean(axis=(0, 1)), near.mean(axis=(0, 1)), atol=0.03)


def test_one_shader_shows_every_paint_by_the_objects_colour(materials, studio, tmp_path):
    wall = box((-1, -40, 0.0), (0.0, 40, 60.0), COLOUR)
    body = show(studio, wall, materials, ("cloth", "white"))
    studio.world.use_nodes = True
    seen = {}
    for name in ("white", "red", "blue"):
        body.color = object_colour("cloth", name)
        seen[name] = picture(studio, tmp_path, 6.0, height=30.0)[40:56, 40:56].mean(axis=(0, 1))
    assert seen["red"][0] > 1.5 * seen["red"][2] and seen["blue"][2] > 1.5 * seen["blue"][0]
    assert (seen["white"] > seen["red"]).all() and (seen["white"] > seen["blue"]).all()
