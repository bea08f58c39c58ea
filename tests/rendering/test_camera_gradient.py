"""Gradients through a renderer and then a camera, against full finite differences through both."""

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.frames import AttributeStep, RenderSettings
from metasim_backend.camera.renderer import CameraRenderer, with_camera
from metasim_backend.grammar import grammar_from_dict, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering import differentiate

CAMERA = CameraModel(
    blur=1.2,
    red_aberration=0.01,
    vignette=0.4,
    exposure=0.5,
    shot_noise=1e-3,
    read_noise=5e-3,
    red_gain=1.2,
    gamma=0.9,
    highlights=0.3,
    contrast=0.4,
    sharpening=0.3,
)
SETTINGS = [RenderSettings(SIZE, SIZE, seed=seed, float_image=True) for seed in (5, 6)]


class LinearBlobs(BlobRenderer):
    """Blobs whose picture is linear light, as half floats like Blender's; says what was asked."""

    def __init__(self):
        super().__init__()
        self.asked_linear = []

    def render(self, scenes, settings, progress=None):
        self.asked_linear += [s.linear for s in settings]
        return super().render(scenes, settings, progress)

    def differences(self, scenes, settings, steps, *, full_frame=False):
        self.asked_linear += [s.linear for s in settings]
        return super().differences(scenes, settings, steps, full_frame=full_frame)


def world():
    grammar = grammar_from_dict(GRAMMAR)
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(2)]
    return encoding, scenes, [encoding.encode(scene) for scene in scenes]


def gradient(renderer, adjoint, features=None):
    encoding, scenes, data = world()
    values = [d["values"].clone().requires_grad_() for d in data]
    mutable = [d["mutable"] & d["present"] for d in data]
    out, tape = differentiate.render(
        renderer, encoding, scenes, values, mutable, SETTINGS, features=features
    )
    (out * adjoint).sum().backward()
    return torch.cat([v.grad for v in values]), out.detach(), tape


def measured(renderer, adjoint, features=None):
    """[sum N, A]: central differences of <adjoint, φ(picture)>, every picture by itself."""
    encoding, scenes, data = world()
    found = []
    for scene, own, settings, weights in zip(scenes, data, SETTINGS, adjoint, strict=True):
        plan = differentiate.plan_steps(
            encoding, scene, own["values"].numpy(), (own["mutable"] & own["present"]).numpy()
        )
        out = torch.zeros_like(own["values"], dtype=torch.float64)
        for item in plan:
            sides = []
            for value in (item.step.plus, item.step.minus):
                moved = scene.with_attributes({item.step.node: {item.step.attribute: value}})
                (frame,) = renderer.render([moved], [settings])
                image = torch.from_numpy(frame.image).permute(2, 0, 1)[None]
                seen = image[0] if features is None else features(image)[0]
                sides.append(float((seen.double() * weights).sum()))
            out[item.row, item.column] = (sides[0] - sides[1]) / item.width
        found.append(out)
    return torch.cat(found)


def close(found, expected, share):
    assert expected.abs().max() > 1  # there is something to agree about
    error = float((found - expected).norm() / expected.norm())
    assert error < share, error


def test_gradient_is_that_of_whole_pictures_through_the_camera():
    adjoint = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    adjoint = adjoint.double()
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    found, _, tape = gradient(renderer, adjoint)
    close(found, measured(renderer, adjoint), 0.01)
    assert tape.steps == 10
    assert all(renderer.source.asked_linear)


def test_without_the_camera_the_gradient_is_another_one():
    """The agreement above is the camera's doing."""
    adjoint = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).double()
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    plain, _, _ = gradient(LinearBlobs(), adjoint)
    expected = measured(renderer, adjoint)
    assert float((plain - expected).norm() / expected.norm()) > 0.2


def test_gradient_behind_features_goes_through_the_camera_too():
    weights = torch.randn(6, 3 * SIZE * SIZE, generator=torch.Generator().manual_seed(1)) / 10

    def features(images):
        return torch.tanh(images.float().flatten(1) @ weights.T)

    adjoint = torch.randn(2, 6, generator=torch.Generator().manual_seed(2)).double() * 10
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    found, out, _ = gradient(renderer, adjoint, features)
    close(found, measured(renderer, adjoint, features), 0.01)
    assert out.shape == (2, 6)


def test_pictures_and_frames_are_the_cameras():
    adjoint = torch.zeros(2, 3, SIZE, SIZE)
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    _, out, tape = gradient(renderer, adjoint)
    _, scenes, _ = world()
    expected = renderer.render(tape.scenes, SETTINGS)
    for picture, frame, own in zip(out, expected, tape.frames, strict=True):
        np.testing.assert_allclose(picture.permute(1, 2, 0), frame.image, atol=1e-6)
        np.testing.assert_array_equal(own.image, frame.image)
    assert len(tape.frames[0].labels) == 2


def test_noise_belongs_to_the_seed():
    _, scenes, _ = world()
    renderer = CameraRenderer(LinearBlobs(), CameraModel(read_noise=0.05))
    first, second = renderer.render([scenes[0]] * 2, SETTINGS)
    (again,) = renderer.render([scenes[0]], SETTINGS[1:])
    assert np.abs(first.image - second.image).mean() > 0.01
    np.testing.assert_array_equal(second.image, again.image)


def test_pictures_come_in_8_bits_as_float_or_as_linear_light():
    _, scenes, _ = world()
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    kinds = [RenderSettings(SIZE, SIZE), SETTINGS[0], RenderSettings(SIZE, SIZE, linear=True)]
    eight, smooth, light = [f.image for f in renderer.render([scenes[0]] * 3, kinds)]
    assert eight.dtype == np.uint8 and smooth.dtype == np.float32
    # The seeds differ, and so does the noise; the mean does not.
    assert abs(eight.mean() / 255 - smooth.mean()) < 0.01
    np.testing.assert_array_equal(light, LinearBlobs().render([scenes[0]], kinds[:1])[0].image)


def test_differences_are_those_of_whole_pictures():
    _, scenes, _ = world()
    renderer = CameraRenderer(LinearBlobs(), CAMERA)
    step = AttributeStep("field", "light", 0.4, 0.6)
    ((found,), none) = renderer.differences(scenes, SETTINGS, [[step], []])
    ends = [scenes[0].with_attributes({"field": {"light": v}}) for v in (0.6, 0.4)]
    plus, minus = renderer.render(ends, [SETTINGS[0]] * 2)
    np.testing.assert_array_equal(found.values, plus.image - minus.image)
    assert found.window == (0, 0, SIZE, SIZE) and none == []
    assert np.abs(found.values).max() > 0.05


def test_the_identity_is_no_camera_at_all():
    source = BlobRenderer()
    assert with_camera(source, CameraModel()) is source
    assert with_camera(source, CAMERA).source is source


def test_a_renderer_without_linear_light_is_told():
    class Bytes(BlobRenderer):
        def _frame(self, scene):
            frame = super()._frame(scene)
            return type(frame)(**{**frame.__dict__, "image": (frame.image * 255).astype(np.uint8)})

    _, scenes, _ = world()
    with pytest.raises(RuntimeError, match="linear light"):
        CameraRenderer(Bytes(), CAMERA).render(scenes, SETTINGS)
