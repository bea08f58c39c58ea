"""Users' own materials in the street's light: the same ambient term, and nothing left to chance."""

from __future__ import annotations

import numpy as np
import pytest
from test_direct_light import SIZE, Studio, inner, rays

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.world.face_attributes import write_attributes  # noqa: E402
from blender_addon.world.finishes import Finish  # noqa: E402
from blender_addon.world.model_light import light_material  # noqa: E402
from blender_addon.world.sky import SkyLight  # noqa: E402

SKY_ALONE = SkyLight(0.0, 40.0, 0.0, 0.8, "clear")


@pytest.fixture
def studio():
    made = Studio()
    yield made
    made.clear()


@pytest.fixture
def material():
    made = bpy.data.materials.new("theirs")
    made.use_nodes = True
    yield made
    bpy.data.materials.remove(made)


def wall(studio, material):
    """An upright wall 6 m ahead, in the user's material."""
    mesh = bpy.data.meshes.new("theirs")
    corners = [(-3, 6, 0), (3, 6, 0), (3, 6, 4), (-3, 6, 4)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    mesh.materials.append(material)
    write_attributes(mesh, [Finish((1.0, 1.0, 1.0))], np.zeros(1, int))
    body = bpy.data.objects.new("theirs", mesh)
    studio.blender_scene.collection.objects.link(body)
    studio.bodies.append(body)
    studio.light.fit(body)
    return body


def on_wall() -> np.ndarray:
    direction = rays()
    hit = direction * (6 / direction[..., 1])[..., None] + (0, 0, 2.0)
    return inner((np.abs(hit[..., 0]) < 3) & (hit[..., 2] > 0) & (hit[..., 2] < 4))


def shader_of(material):
    return next(n for n in material.node_tree.nodes if n.bl_idname == "ShaderNodeBsdfPrincipled")


def test_a_principled_material_has_the_skys_light_by_its_base_colour(studio, material):
    shader_of(material).inputs["Base Color"].default_value = (0.5, 0.3, 0.1, 1.0)
    light_material(material, studio.materials.light)
    light_material(material, studio.materials.light)  # once is enough
    wall(studio, material)
    seen = studio.picture(SKY_ALONE)[on_wall()]
    expected = np.array([0.5, 0.3, 0.1]) * SKY_ALONE.ambient().on(np.array([[0, -1.0, 0]]))
    np.testing.assert_allclose(seen, expected.repeat(len(seen), axis=0), rtol=0.01)
    assert material.cycles.emission_sampling == "NONE"


def test_alpha_is_there_or_not_and_the_same_for_every_seed(studio, material):
    tree = material.node_tree
    image = bpy.data.images.new("theirs", 8, 8, alpha=True)
    alpha = np.where(np.indices((8, 8)).sum(axis=0) % 2, 0.7, 0.3)  # neither here nor there
    image.pixels = np.dstack([np.ones((8, 8, 3)), alpha]).astype(np.float32).ravel()
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.interpolation = image, "Closest"
    place = tree.nodes.new("ShaderNodeTexCoord").outputs["Object"]
    turned = tree.nodes.new("ShaderNodeMapping")
    turned.inputs["Rotation"].default_value = (-np.pi / 2, 0, 0)
    turned.inputs["Scale"].default_value = (0.125, 0.125, 0.125)
    tree.links.new(place, turned.inputs["Vector"])
    tree.links.new(turned.outputs[0], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Alpha"], shader_of(material).inputs["Alpha"])
    light_material(material, studio.materials.light)
    wall(studio, material)
    first = studio.picture(SKY_ALONE)
    second = studio.picture(SKY_ALONE, type(SIZE)(120, 80, linear=True, seed=77))
    np.testing.assert_array_equal(first, second)
    there = first[on_wall()]
    solid = 0.8 * SKY_ALONE.ambient().on(np.array([[0, -1.0, 0]]))[0]
    own = np.abs(there - solid).max(axis=1) < 0.02
    assert 0.2 < own.mean() < 0.8  # the rest shows the sky behind, or is an edge between
    bpy.data.images.remove(image)


def test_a_normal_map_turns_the_ambient_light_too(studio, material):
    tree = material.node_tree
    bump = tree.nodes.new("ShaderNodeNormalMap")
    bump.space = "WORLD"
    bump.inputs["Color"].default_value = (0.5, 0.5, 1.0, 1.0)  # straight up
    tree.links.new(bump.outputs[0], shader_of(material).inputs["Normal"])
    light_material(material, studio.materials.light)
    wall(studio, material)
    seen = studio.picture(SKY_ALONE)[on_wall()]
    expected = 0.8 * SKY_ALONE.ambient().on(np.array([[0, 0, 1.0]]))
    np.testing.assert_allclose(seen.mean(axis=0), expected[0], rtol=0.05)
