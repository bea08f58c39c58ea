"""The camera's parameters: bounds, names, the identity, and the way to plain data and back."""

import dataclasses
import json

import numpy as np
import pytest

from blender_addon.contract.camera_constants import sensor_noise, squared_radius
from blender_addon.contract.camera_model import BOUNDS, CameraModel, CameraModelError

MATRIX = ((1.2, -0.1, -0.1), (0.0, 1.0, 0.0), (-0.2, -0.2, 1.4))


def test_every_parameter_has_bounds_that_hold_its_identity():
    names = [f.name for f in dataclasses.fields(CameraModel)]
    assert names == list(BOUNDS)
    CameraModel()  # says what is wrong


@pytest.mark.parametrize("name", [name for name in BOUNDS if name != "colour_matrix"])
def test_values_up_to_the_bounds_are_taken_and_others_refused(name):
    least, greatest, *_ = BOUNDS[name]
    for value in (least, greatest):
        assert getattr(CameraModel(**{name: value}), name) == value
    for value in (least - 1, greatest + 1, float("nan"), "1", True, None):
        with pytest.raises(CameraModelError, match=f"camera model's {name} is .*; give"):
            CameraModel(**{name: value})


@pytest.mark.parametrize(
    "value", [1, [1, 2, 3], [[1, 0], [0, 1]], [[1, 0, 0], [0, 9, 0], [0, 0, 1]]]
)
def test_a_matrix_has_three_rows_of_three_numbers_in_bounds(value):
    with pytest.raises(CameraModelError, match="colour_matrix"):
        CameraModel(colour_matrix=value)


def test_an_unknown_name_is_said():
    with pytest.raises(CameraModelError, match="no parameter 'bluer'; choose from blur"):
        CameraModel.from_dict({"bluer": 1})
    with pytest.raises(CameraModelError, match="not a mapping"):
        CameraModel.from_dict([1])


def test_there_and_back_through_json():
    camera = CameraModel(exposure=-1.5, colour_matrix=MATRIX, jpeg_quality=90)
    again = CameraModel.from_dict(json.loads(json.dumps(camera.to_dict())))
    assert again == camera and not again.is_identity
    assert CameraModel.from_dict(camera.changes()) == camera
    assert set(camera.changes()) == {"exposure", "colour_matrix", "jpeg_quality"}


def test_what_changes_no_picture_is_the_identity():
    assert CameraModel().is_identity
    assert CameraModel(vignette_power=4.0).is_identity  # of a vignette that is not there
    assert not CameraModel(vignette=0.1, vignette_power=4.0).is_identity


def test_noise_is_a_function_of_its_seed_and_standard_normal():
    noise = sensor_noise(7, 100, 120)
    np.testing.assert_array_equal(noise, sensor_noise(7, 100, 120))
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02
    assert abs(np.corrcoef(noise.ravel(), sensor_noise(8, 100, 120).ravel())[0, 1]) < 0.02


def test_radius_is_0_in_the_centre_and_1_in_the_corners():
    squared = squared_radius(401, 601)
    assert squared[200, 300] == 0
    assert squared[0, 0] == squared[-1, -1] == squared.max()
    assert 0.99 < squared[0, 0] < 1
