"""Rendered direct light against its closed form: sun and sky on matte shapes, the mirrored sky, the
contact on the ground."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from street_scenes import make_street

bpy = pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.capture import picture  # noqa: E402
from blender_addon.contract.frames import RenderSettings  # noqa: E402
from blender_addon.world.camera import CameraView  # noqa: E402
from blender_addon.world.contact import contact_sheet  # noqa: E402
from blender_addon.world.lighting import StreetLight  # noqa: E402
from blender_addon.world.materials import ROUGHEST_MIRROR, Materials  # noqa: E402
from blender_addon.world.meshes import corners_of, mesh_of  # noqa: E402
from blender_addon.world.occlusion import Surroundings  # noqa: E402
from blender_addon.world.shading import WALL_TOP  # noqa: E402
from blender_addon.world.shapes import COLOUR, box, polygons  # noqa: E402
from blender_addon.world.sky import SkyLight  # noqa: E402

SIZE = RenderSettings(120, 80, linear=True)
VIEW = CameraView(height=2.0, pitch=0.0, yaw=0.0, fov=60.0)
ALBEDO = np.array([0.5, 0.4, 0.3])


class Studio:
    """A Blender scene with the street's light, as :mod:`blender_addon.capture` takes a stage."""

    def __init__(self) -> None:
        self.blender_scene = bpy.data.scenes.new("light tests")
        self.materials = Materials()
        self.light = StreetLight(self.materials.light)
        self.blender_scene.world = self.light.world
        lens = bpy.data.cameras.new("light tests")
        self.camera = bpy.data.objects.new("light tests", lens)
        self.blender_scene.camera = self.camera
        for body in (self.light.sun, self.camera):
            self.blender_scene.collection.objects.link(body)
        VIEW.apply(self.camera, self.blender_scene)
        self.bodies: list = []

    def light_by(self, lighting: str, pixel: float) -> None:
        self.light.use(lighting, self.bodies)

    def camera_intrinsics(self, width, height):
        return VIEW.intrinsics(width, height)

    def add(self, shape, worn=("cloth", "white"), openness=None):
        mesh = mesh_of(shape, "light tests", self.materials, openness, worn)
        body = bpy.data.objects.new("light tests", mesh)
        body.color = (*ALBEDO, 0.0)
        self.blender_scene.collection.objects.link(body)
        self.bodies.append(body)
        self.light.fit(body)
        return body

    def picture(self, light: SkyLight, settings: RenderSettings = SIZE) -> np.ndarray:
        self.light.show(light)
        picture.prepare(self, settings, threads=1)
        return picture.render_window(self, settings, None)

    def clear(self) -> None:
        meshes = [body.data for body in self.bodies]
        bpy.data.batch_remove([*self.bodies, *meshes])
        bpy.data.batch_remove([self.camera.data])
        self.light.clear()
        self.materials.clear()
        picture.instances.remove(self.blender_scene)
        bpy.data.scenes.remove(self.blender_scene)


@pytest.fixture
def studio():
    made = Studio()
    yield made
    made.clear()


def rays() -> np.ndarray:
    """H x W x 3 unit directions of the pixels' centres in the world."""
    k = VIEW.intrinsics(SIZE.width, SIZE.height)
    u, v = np.meshgrid(np.arange(SIZE.width) + 0.5, np.arange(SIZE.height) + 0.5)
    seen = np.stack([(u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1], np.ones_like(u)], axis=-1)
    turned = seen @ VIEW.pose()[:3, :3]
    return turned / np.linalg.norm(turned, axis=-1, keepdims=True)


def matte(light: SkyLight, normals: np.ndarray, above=1.0, below=1.0) -> np.ndarray:
    """Sun and sky on a matte surface of colour ALBEDO."""
    cosine = np.maximum(normals @ light.to_sun(), 0)[:, None]
    sun = light.sun_strength * np.array(light.sun_colour()) * cosine / np.pi
    return ALBEDO * (sun + light.ambient().on(normals, above, below))


def inner(mask: np.ndarray) -> np.ndarray:
    """Pixels whose neighbours all are in the mask."""
    kept = mask.copy()
    for axis in (0, 1):
        for way in (-2, -1, 1, 2):
            kept &= np.roll(mask, way, axis)
    return kept


LIGHTS = [
    SkyLight(40.0, 35.0, 3.0, 0.8, "clear"),
    SkyLight(200.0, 60.0, 0.5, 1.0, "overcast"),
    SkyLight(-70.0, 12.0, 4.0, 0.6, "low_sun"),
]


@pytest.mark.parametrize("light", LIGHTS, ids=lambda light: light.weather)
def test_ground_and_the_faces_of_a_box(studio, light):
    studio.add(polygons(np.array([(-90, -5, 0), (90, -5, 0), (90, 200, 0), (-90, 200, 0)]),
                        [(0, 1, 2, 3)], COLOUR))  # fmt: skip
    found = studio.picture(light)
    direction = rays()
    ground = inner(direction[..., 2] < -0.06)
    np.testing.assert_allclose(found[ground], matte(light, np.array([[0, 0, 1.0]])).repeat(
        ground.sum(), axis=0), rtol=0.01, atol=1e-3)  # fmt: skip
    # The face that looks at the camera: -Y, in the sun or in its own shade.
    studio.add(box((-1.5, 6.0, 0), (1.5, 8.0, 4.0), COLOUR))
    found = studio.picture(light)
    reach = 6.0 / direction[..., 1]
    hit = direction * reach[..., None] + (0, 0, 2.0)
    face = inner((np.abs(hit[..., 0]) < 1.5) & (hit[..., 2] > 0) & (hit[..., 2] < 4.0))
    assert face.sum() > 200
    expected = matte(light, np.array([[0, -1.0, 0]])).repeat(face.sum(), axis=0)
    np.testing.assert_allclose(found[face], expected, rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("light", LIGHTS, ids=lambda light: light.weather)
def test_a_sphere_has_the_light_of_each_of_its_normals(studio, light):
    turns, rings = np.arange(192) * (2 * np.pi / 192), np.linspace(-np.pi / 2, np.pi / 2, 97)
    points = np.array([(np.cos(b) * np.cos(a), np.cos(b) * np.sin(a), np.sin(b))
                       for b in rings for a in turns])  # fmt: skip
    faces = [(r * 192 + i, r * 192 + (i + 1) % 192, (r + 1) * 192 + (i + 1) % 192,
              (r + 1) * 192 + i) for r in range(96) for i in range(192)]  # fmt: skip
    centre = np.array([0.0, 6.0, 2.0])
    studio.add(polygons(1.5 * points + centre, faces, COLOUR, smooth=True))
    found = studio.picture(light)
    direction = rays()
    along = direction @ (centre - (0, 0, 2.0))
    off = 36.0 - along**2
    seen = inner(off < 0.8 * 1.5**2)
    reach = along - np.sqrt(np.maximum(1.5**2 - off, 0))
    normals = (direction * reach[..., None] + (0, 0, 2.0) - centre) / 1.5
    lit = np.abs(normals @ light.to_sun()) > 0.15  # off the edge of the shade
    seen &= inner(lit)
    assert seen.sum() > 200
    np.testing.assert_allclose(found[seen], matte(light, normals[seen]), rtol=0.03, atol=4e-3)


def test_glass_mirrors_the_sky_in_the_reflected_direction_by_fresnels_weight(studio):
    light = SkyLight(10.0, 40.0, 3.0, 0.9, "clear")
    slope = np.array([0.0, -0.8, 0.6])  # leans back: mirrors what is high before the camera
    side, up = np.array([1.0, 0, 0]), np.array([0.0, 0.6, 0.8])
    centre = np.array([0.0, 5.0, 2.0])
    corners = [centre + a * side + b * up for a, b in ((-3, -2), (3, -2), (3, 2), (-3, 2))]
    studio.add(polygons(np.array(corners), [(0, 1, 2, 3)], "glass"))
    found = studio.picture(light)
    direction = rays()
    cosine = -(direction @ slope)
    mirrored = direction + 2 * cosine[..., None] * slope
    reach = ((centre - (0, 0, 2.0)) @ slope) / (direction @ slope)
    hit = direction * reach[..., None] + (0, 0, 2.0) - centre
    inside = inner((np.abs(hit @ side) < 3) & (np.abs(hit @ up) < 2))
    inside &= mirrored[..., 2] > WALL_TOP
    assert inside.sum() > 200
    g = np.sqrt(1.5**2 - 1 + cosine**2)  # Fresnel's equations for an index of 1.5
    a = (g - cosine) / (g + cosine)
    b = (cosine * (g + cosine) - 1) / (cosine * (g - cosine) + 1)
    weight = 0.5 * a**2 * (1 + b**2) * (1 - 0.08 / ROUGHEST_MIRROR)
    sky = light.ambient().sky(mirrored[inside])
    expected = weight[inside][:, None] * sky
    own = np.array([0.012, 0.016, 0.02]) * light.ambient().on(slope[None])
    sun = found[inside] - expected - own
    # What is left is the sun on the glass: dark, and its own broad mirror image.
    assert np.abs(np.median(sun, axis=0)).max() < 0.02
    assert np.corrcoef(found[inside][:, 2], expected[:, 2])[0, 1] > 0.98


def test_traced_light_has_no_ambient_term_and_direct_light_no_noise(studio):
    light = LIGHTS[0]
    studio.add(polygons(np.array([(-90, -5, 0), (90, -5, 0), (90, 200, 0), (-90, 200, 0)]),
                        [(0, 1, 2, 3)], COLOUR))  # fmt: skip
    ground = inner(rays()[..., 2] < -0.1)
    direct = studio.picture(light)[ground]
    settings = RenderSettings(120, 80, 64, linear=True, lighting="traced", bounces=0)
    traced = studio.picture(light, settings)[ground]
    # An open plane under the same sky: path tracing comes to the same mean, by chance rays.
    np.testing.assert_allclose(direct.mean(axis=0), traced.mean(axis=0), rtol=0.06)
    assert direct.std(axis=0).max() < 1e-4 < traced.std(axis=0).max()


def test_the_contact_takes_light_from_the_ground_and_none_from_its_shadow_rays(studio):
    light = SkyLight(0.0, 80.0, 2.0, 1.0, "overcast")
    studio.add(polygons(np.array([(-90, -5, 0), (90, -5, 0), (90, 200, 0), (-90, 200, 0)]),
                        [(0, 1, 2, 3)], COLOUR))  # fmt: skip
    before = studio.picture(light)
    shape = box((-1, -1, 0.3), (1, 1, 0.5), COLOUR)
    sheet, left = contact_sheet(Surroundings(shape.vertices, shape.triangles()))
    body = studio.add(sheet, openness=corners_of(sheet, left))
    dark = []
    for x in (-1.5, 1.5):
        body.location = (x, 7.0, 0.0)
        ratio = studio.picture(light)[..., 1] / before[..., 1]
        assert ratio.min() == pytest.approx(left.min(), abs=0.06) and ratio.max() < 1.001
        dark.append(np.argwhere(ratio < 0.6)[:, 1].mean())
    assert dark[1] - dark[0] > 30  # it goes where its object goes


def test_every_stop_doubles_the_light_also_beyond_what_the_film_takes(studio):
    studio.add(polygons(np.array([(-90, -5, 0), (90, -5, 0), (90, 200, 0), (-90, 200, 0)]),
                        [(0, 1, 2, 3)], COLOUR))  # fmt: skip
    ground = inner(rays()[..., 2] < -0.1)
    plain = studio.picture(LIGHTS[0])[ground].mean()
    for stops in (-3.0, 2.0, 5.0):
        CameraView(2.0, 0.0, 0.0, 60.0, stops).apply(studio.camera, studio.blender_scene)
        found = studio.picture(LIGHTS[0])[ground].mean()
        assert found == pytest.approx(plain * 2**stops, rel=1e-3)


@pytest.mark.parametrize("weather", ["clear", "overcast", "low_sun"])
def test_a_longer_exposure_is_a_stronger_sun_and_sky(stage, weather):
    """All light is sun or sky, so no picture tells the three apart: two of them can be read."""

    def taken(sun: float, sky: float, exposure: float) -> np.ndarray:
        light = {"sun_strength": sun, "sky_strength": sky}
        told = {"sky": light, "camera": {"exposure": exposure}, "street": {"weather": weather}}
        scene = make_street()
        nodes = tuple(
            replace(node, attributes={**node.attributes, **told.get(node.class_name, {})})
            for node in scene.nodes
        )
        stage.show(replace(scene, nodes=nodes))
        return picture.render(stage, RenderSettings(120, 80, samples=1), threads=2).image

    usual = taken(3.0, 0.9, 0.0).astype(int)
    longer = taken(3.0 / 1.5, 0.9 / 1.5, math.log2(1.5)).astype(int)
    assert abs(longer - usual).max() <= 1  # one step of 255, by rounding
    assert abs(taken(3.0 / 1.5, 0.9, math.log2(1.5)).astype(int) - usual).mean() > 2
