"""Finishes and materials: every name has one, patterns are fixed to the object and stay quiet."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.contract.attributes import WorldError  # noqa: E402
from blender_addon.world import materials as materials_module  # noqa: E402
from blender_addon.world.buildings import SURFACES  # noqa: E402
from blender_addon.world.finishes import (  # noqa: E402
    FINISHES,
    PAINT_ROUGHNESS,
    PAINTS,
    PATTERNS,
    WALLS,
    Finish,
)
from blender_addon.world.materials import Materials, finish_of, merged, surfaces  # noqa: E402
from blender_addon.world.shapes import COLOUR, Shape, box  # noqa: E402
from blender_addon.world.vehicles import vehicle  # noqa: E402

# Nodes that Blender has by these names from 3.4 to 5.0.
LASTING = {
    "ShaderNodeBsdfDiffuse", "ShaderNodeBsdfPrincipled", "ShaderNodeCameraData",
    "ShaderNodeCombineXYZ", "ShaderNodeMath", "ShaderNodeOutputMaterial", "ShaderNodeSeparateXYZ",
    "ShaderNodeTexBrick", "ShaderNodeTexCoord", "ShaderNodeTexNoise", "ShaderNodeValToRGB",
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


def show(scene, shape: Shape, material, scale=(1.0, 1.0, 1.0)):
    """The shape as an object, all in one material."""
    mesh = bpy.data.meshes.new("material tests")
    mesh.from_pydata(shape.vertices.tolist(), [], [list(face) for face in shape.faces])
    mesh.materials.append(material)
    body = bpy.data.objects.new("material tests", mesh)
    body.scale = scale
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


def test_every_finish_can_be_built_and_its_colour_is_linked_to_the_output(materials):
    names = [("surface", name) for name in surfaces()]
    names += [("wall", name) for name in WALLS]
    names += [(wearer, name) for wearer in ("paint", "cloth") for name in PAINTS]
    for name in names:
        material = materials.get(*name)
        assert materials.get(*name) is material
        tree = material.node_tree
        assert {node.bl_idname for node in tree.nodes} <= LASTING
        output = next(n for n in tree.nodes if n.bl_idname == "ShaderNodeOutputMaterial")
        shader = output.inputs["Surface"].links[0].from_node
        patterned = finish_of(*name).grain > 0
        assert shader.inputs[0].is_linked == patterned
        reached, front = {output}, [output]
        while front:
            node = front.pop()
            for socket in node.inputs:
                for link in socket.links:
                    if link.from_node not in reached:
                        reached.add(link.from_node)
                        front.append(link.from_node)
        assert len(reached) == len(tree.nodes), f"{name} has nodes that do nothing"


def test_cleared_materials_are_gone_from_blender():
    before = len(bpy.data.materials)
    made = Materials()
    made.get("wall", "brick")
    made.surface("asphalt")
    assert len(bpy.data.materials) == before + 2
    made.clear()
    assert len(bpy.data.materials) == before


def test_unknown_names_and_patterns_are_refused(materials):
    for wearer, name in (("surface", "velvet"), ("wall", "glass"), ("paint", "mauve"), ("x", "y")):
        with pytest.raises(WorldError, match=name):
            materials.get(wearer, name)
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
    material = materials.get("wall", "brick")
    true = box((-1.0, -2.0, 0.0), (0.0, 2.0, 3.0), COLOUR)
    body = show(studio, true, material)
    expected = picture(studio, tmp_path, 4.0)
    bpy.data.objects.remove(body)
    show(studio, true.scaled((1, 1 / 4, 1 / 3)), material, (1.0, 4.0, 3.0))
    scaled = picture(studio, tmp_path, 4.0)
    assert expected[24:72, 24:72].std() > 0.02
    np.testing.assert_allclose(scaled, expected, atol=0.03)


@pytest.mark.parametrize("name", ["brick", "red_brick", "stone"])
def test_bricks_are_seen_near_and_even_far_away(materials, studio, tmp_path, name):
    show(studio, box((-1, -40, 0.0), (0.0, 40, 60.0), COLOUR), materials.get("wall", name))
    near, far = (picture(studio, tmp_path, d, height=30.0)[24:72, 24:72] for d in (6.0, 60.0))
    assert far.std(axis=(0, 1)).max() < 0.5 * near.std(axis=(0, 1)).min()
    np.testing.assert_allclose(far.mean(axis=(0, 1)), near.mean(axis=(0, 1)), atol=0.03)


def test_paints_are_darker_and_no_noisier_than_plain_ones_were(
    materials, studio, tmp_path, monkeypatch
):
    before = {"silver": (0.40, 0.41, 0.42), "black": (0.011, 0.011, 0.013)}
    studio.world.use_nodes = True
    studio.world.node_tree.nodes["Background"].inputs[0].default_value = (0.5, 0.65, 0.9, 1.0)
    body = show(studio, vehicle("hatchback"), materials.get("paint", "silver"))
    for name, colour in before.items():
        assert PAINTS[name] < colour
        with monkeypatch.context() as patch:
            old = Materials()
            patch.setattr(materials_module, "finish_of", lambda *_, c=colour: Finish(c, 0.25))
            body.data.materials[0] = old.get("paint", name)
        noise = {"before": _noise(studio, tmp_path)}
        body.data.materials[0] = materials.get("paint", name)
        noise["now"] = _noise(studio, tmp_path)
        old.clear()
        assert 0 < noise["now"] <= 1.2 * noise["before"]
    assert PAINT_ROUGHNESS < 0.25


def _noise(scene, path) -> float:
    """Mean difference between pictures of two seeds."""
    pictures = [picture(scene, path, 7.0, height=1.0, seed=seed) for seed in (1, 2)]
    return float(np.abs(pictures[0] - pictures[1]).mean())
