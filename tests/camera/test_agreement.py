"""Both implementations of the camera, numpy's and torch's, make the same pictures."""

import numpy as np
import pytest
import torch

from blender_addon.camera.picture import take_picture
from blender_addon.camera.tones import to_uint8
from blender_addon.contract.camera_constants import sensor_noise
from blender_addon.contract.camera_model import BOUNDS, CameraModel
from metasim_backend.camera.numbers import camera_of, numbers_of
from metasim_backend.camera.picture import noise_of, take_pictures
from metasim_backend.camera.tones import to_8_bits

WHOLE = CameraModel(
    blur=0.8,
    red_aberration=0.004,
    blue_aberration=-0.006,
    vignette=0.4,
    vignette_power=3.0,
    exposure=0.7,
    shot_noise=1e-3,
    read_noise=4e-3,
    red_gain=1.3,
    blue_gain=0.8,
    colour_matrix=((1.3, -0.2, -0.1), (-0.1, 1.2, -0.1), (0.0, -0.3, 1.3)),
    black=-0.01,
    gamma=1.1,
    highlights=0.3,
    contrast=0.4,
    sharpening=0.7,
    jpeg_quality=80.0,
)
TOLERANCE = 2e-5  # of white; float32 through some twenty operations
SEED = 11


def light(height=45, width=77):
    """Linear light like a street's: deep shadows, a sky above white, hard edges."""
    source = np.random.default_rng(5)
    image = source.random((height, width, 3)) ** 3 * 0.4
    image[: height // 3] = (1.4, 1.7, 2.6)
    image[20:30, 30:50] = (0.5, 0.02, 0.01)
    return image.astype(np.float16)


def both(camera):
    image = light()
    noise = sensor_noise(SEED, *image.shape[:2])
    tensor = torch.from_numpy(image.astype(np.float32)).permute(2, 0, 1)[None]
    torches = take_pictures(tensor, camera, noise_of([SEED], *image.shape[:2]))
    return take_picture(image, camera, noise), torches[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("name", WHOLE.changes())
def test_each_step_is_the_same(name):
    changes = {name: getattr(WHOLE, name)}
    if name == "vignette_power":
        changes["vignette"] = 0.5
    camera = CameraModel(**changes)
    plain, _ = both(CameraModel())
    numpys, torches = both(camera)
    assert np.abs(numpys - plain).max() > 0.005  # it does something
    if name == "jpeg_quality":
        assert np.abs(numpys - torches).mean() < 5e-4  # a coefficient may round the other way
    else:
        np.testing.assert_allclose(torches, numpys, atol=TOLERANCE)


def test_all_steps_together_are_the_same_to_8_bits():
    numpys, torches = both(WHOLE)
    eight = (to_8_bits(torch.from_numpy(torches)) * 255).round().numpy()
    steps = np.abs(to_uint8(numpys).astype(int) - eight)
    assert (steps > 0).mean() < 0.03  # blocks in which one coefficient rounds the other way
    assert steps.mean() < 0.03


def test_every_parameter_is_tried():
    assert set(WHOLE.changes()) == set(BOUNDS)


def test_a_batch_is_its_pictures_one_by_one():
    image = torch.rand(3, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    noise = noise_of([1, 2, 3], 20, 30)
    together = take_pictures(image, WHOLE, noise)
    for i in range(3):
        alone = take_pictures(image[i : i + 1], WHOLE, noise[i : i + 1])
        assert float((together[i : i + 1] - alone).abs().mean()) < 1e-4
    assert float((together[0] - together[1]).abs().mean()) > 0.01


def test_parameters_there_and_back_as_tensors():
    assert camera_of(numbers_of(WHOLE, torch.zeros((), dtype=torch.float64))) == WHOLE
    assert camera_of({"blur": torch.tensor(-1.0)}) == CameraModel()  # brought to its bounds


def test_every_parameter_gets_a_gradient():
    numbers = numbers_of(WHOLE)
    for tensor in numbers.values():
        tensor.requires_grad_()
    image = torch.from_numpy(light().astype(np.float32)).permute(2, 0, 1)[None].requires_grad_()
    noise = noise_of([SEED], 45, 77)
    picture = take_pictures(image, numbers, noise)
    weights = torch.randn(picture.shape, generator=torch.Generator().manual_seed(1))
    (picture * weights).sum().backward()
    for name, tensor in {**numbers, "light": image}.items():
        assert torch.isfinite(tensor.grad).all() and tensor.grad.abs().max() > 0, name
