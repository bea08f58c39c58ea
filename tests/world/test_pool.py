"""Objects are parked and keep their meshes; few meshes show the many shapes that have a size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.capture.picture import render  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402
from blender_addon.world.mesh_arrays import ROOM, MeshArrays  # noqa: E402
from blender_addon.world.pool import Pool  # noqa: E402
from blender_addon.world.stage import Stage  # noqa: E402
from blender_addon.world.stage_parts import shape_shown  # noqa: E402
from metasim_backend.grammar import load_grammar, sample_scene  # noqa: E402

SCENES = Path(__file__).parents[2] / "scenes"
HOUSES = [("building", "shop", bays, 3, "plaster") for bays in (2, 3, 4, 5)]


@pytest.fixture
def streets():
    grammar = load_grammar(SCENES / "driving.yaml", assets=())
    return [sample_scene(grammar, seed) for seed in range(24)]


@pytest.fixture
def own_stage():
    scene = bpy.data.scenes.new("pool tests")
    stage = Stage(scene)
    yield stage
    stage.clear()
    bpy.data.scenes.remove(scene)


@pytest.fixture
def pool(own_stage):
    made = Pool(own_stage._collection, own_stage._meshes, own_stage._lighting.fit, most_sized=2)
    yield made
    made.clear()


def coordinates(mesh) -> np.ndarray:
    values = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def attribute(mesh, name: str) -> np.ndarray:
    values = np.empty(4 * len(mesh.attributes[name].data), np.float32)
    mesh.attributes[name].data.foreach_get("color", values)
    return values.reshape(-1, 4)


def test_no_street_gives_an_object_another_mesh_or_hides_it(own_stage, streets):
    meshes: dict[int, int] = {}
    for graph in streets:
        own_stage.show(graph)
        for body in own_stage._collection.objects:
            assert not body.hide_render and not body.hide_viewport
            if body.type == "MESH":
                mesh = body.data.as_pointer()
                assert meshes.setdefault(body.as_pointer(), mesh) == mesh


def test_all_meshes_that_streets_write_anew_have_as_many_triangles(own_stage, streets):
    """Else Cycles builds the trees of others anew, which are as they were."""
    for graph in streets:
        own_stage.show(graph)
    written = [stock.mesh for stock in own_stage._pool._stocks.values() if stock.look]
    written += [body.data for body in own_stage._road._surfaces.values()]
    for mesh in written:
        mesh.calc_loop_triangles()
    assert {len(mesh.loop_triangles) for mesh in written} == {ROOM}


def test_a_mesh_that_is_written_anew_shows_the_shape_and_padding_without_area(own_stage):
    for key in (HOUSES[0], ("barrier", "wall_brick", 3)):
        shared = own_stage._meshes.build(key)
        arrays = MeshArrays.of(shared.mesh)
        mesh = bpy.data.meshes.new("written")
        for _ in range(2):  # the second time over what stands there
            arrays.write(mesh)
        count, length = len(shared.vertices), len(shared.triangles)
        np.testing.assert_array_equal(coordinates(mesh)[:count], shared.vertices)
        corners = np.empty(3 * ROOM, np.int32)
        mesh.loops.foreach_get("vertex_index", corners)
        corners = corners.reshape(-1, 3)
        assert (corners[:length] < count).all() and (corners[length:] >= count).all()
        a, b, c = (coordinates(mesh)[corners[length:, i]] for i in range(3))
        assert not np.cross(b - a, c - a).any()
        worn = [mesh.materials[p.material_index].name for p in list(mesh.polygons)[:length]]
        source = shared.mesh
        source.calc_loop_triangles()
        owner = [t.polygon_index for t in source.loop_triangles]
        loops = np.array([t.loops for t in source.loop_triangles]).ravel()
        assert worn == [source.materials[source.polygons[i].material_index].name for i in owner]
        for name in ("metasim colour", "metasim open"):
            np.testing.assert_array_equal(
                attribute(mesh, name)[: 3 * length], attribute(source, name)[loops]
            )
        bpy.data.batch_remove([mesh, source])


def test_of_more_shapes_than_meshes_the_longest_unused_gives_way(pool):
    bodies = {}
    for key in HOUSES[:2]:
        bodies[key] = pool.take(key)
        pool.park(bodies[key], key)
    pool.park(pool.take(HOUSES[0]), HOUSES[0])  # now the other was not used for longest
    assert pool.take(HOUSES[2]) == bodies[HOUSES[1]]
    shown = pool.shape(HOUSES[2]).vertices
    np.testing.assert_array_equal(coordinates(bodies[HOUSES[1]].data)[: len(shown)], shown)
    assert pool.take(HOUSES[0]) == bodies[HOUSES[0]]
    # Both are in use: a third mesh has to be made.
    third = pool.take(HOUSES[3])
    assert third.data not in (bodies[HOUSES[0]].data, bodies[HOUSES[1]].data)
    for body, key in ((bodies[HOUSES[1]], HOUSES[2]), (bodies[HOUSES[0]], HOUSES[0]),
                      (third, HOUSES[3])):  # fmt: skip
        pool.park(body, key)


def test_a_pool_goes_on_with_the_meshes_of_another(pool, own_stage):
    body = pool.take(HOUSES[0])
    other = Pool(own_stage._collection, own_stage._meshes, own_stage._lighting.fit, most_sized=1)
    other.resume({shape_shown(body): body.data})
    np.testing.assert_array_equal(other.shape(HOUSES[0]).vertices, pool.shape(HOUSES[0]).vertices)
    other.reclaim(HOUSES[0])
    second = other.take(HOUSES[0])
    assert second.data == body.data, "the mesh was made anew"
    for one in (body, second):
        other.park(one, HOUSES[0])
    assert other.take(HOUSES[1]).data == body.data and shape_shown(body) == HOUSES[1]
    shown = pool.shape(HOUSES[1]).vertices
    np.testing.assert_array_equal(coordinates(body.data)[: len(shown)], shown)


def test_a_streets_pixels_do_not_depend_on_what_was_shown_before(own_stage, streets):
    settings = RenderSettings(64, 40, 1, seed=3)
    first = []
    for graph in streets[:2]:
        scene = bpy.data.scenes.new("fresh")
        fresh = Stage(scene)
        fresh.show(graph)
        first.append(render(fresh, settings, 1))
        fresh.clear()
        bpy.data.scenes.remove(scene)
    for graph in streets:
        own_stage.show(graph)
        render(own_stage, RenderSettings(8, 8, 1), 1)
    for graph, expected in zip(streets[:2], first, strict=True):
        own_stage.show(graph)
        frame = render(own_stage, settings, 1)
        np.testing.assert_array_equal(frame.image, expected.image)
        np.testing.assert_array_equal(frame.index, expected.index)
        np.testing.assert_array_equal(frame.semantic, expected.semantic)
        assert frame.labels == expected.labels
