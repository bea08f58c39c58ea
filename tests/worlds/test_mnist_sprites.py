"""The world of digits: which sample is drawn, where, and how it is turned."""

import numpy as np
import pytest
import torch
from synthetic_digits import digit_grammar, synthetic_digits

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.datasets.readers.mnist import LABELS, Digits
from metasim_backend.grammar import sample_scene
from metasim_backend.rendering.renderer import RenderingInputError
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.worlds.mnist_sprites import MnistWorld


def scene(**attributes):
    digit = {"label": "three", "image": 0} | attributes
    nodes = (Node("canvas", "canvas", None, {}), Node("digit", "digit", "canvas", digit))
    return SceneGraph(nodes, domain="mnist")


@pytest.fixture(scope="module")
def digits():
    return synthetic_digits(40)


@pytest.fixture(scope="module")
def renderer(digits):
    return SpriteRenderer(MnistWorld(digits))


def grey(renderer, scene, size=(32, 32)):
    return renderer.images([scene], RenderSettings(*size))[0, 0].numpy()


def test_an_upright_digit_in_the_middle_is_the_very_sample(digits, renderer):
    own = digits.images[digits.labels == LABELS.index("three")]
    for image in range(len(own)):
        picture = grey(renderer, scene(image=image))
        np.testing.assert_array_equal(picture[2:30, 2:30], own[image].numpy())


def test_samples_are_counted_modulo_their_number(digits, renderer):
    count = int((digits.labels == 3).sum())
    first, again = (grey(renderer, scene(image=n)) for n in (1, 1 + 5 * count))
    np.testing.assert_array_equal(first, again)


def test_ninety_degrees_lay_it_on_its_side(renderer):
    upright, turned = grey(renderer, scene(yaw=0)), grey(renderer, scene(yaw=90))
    np.testing.assert_allclose(turned.astype(int), np.rot90(upright).astype(int), atol=1)


def test_x_goes_right_and_y_goes_up_in_pixels(renderer):
    middle = grey(renderer, scene(), (64, 64))
    moved = grey(renderer, scene(x=-18, y=-16), (64, 64))
    np.testing.assert_array_equal(np.roll(middle, (16, -18), (0, 1)), moved)


def test_size_scales_the_digit(renderer):
    areas = [grey(renderer, scene(size=s), (64, 64)).sum() for s in (0.8, 1.2)]
    assert areas[1] / areas[0] == pytest.approx((1.2 / 0.8) ** 2, rel=0.03)


def test_a_label_without_samples_is_refused_by_name(digits):
    few = digits.take(torch.nonzero(digits.labels != 3)[:, 0])
    assert isinstance(few, Digits)
    with pytest.raises(RenderingInputError, match="'three'"):
        SpriteRenderer(MnistWorld(few)).images([scene()], RenderSettings(32, 32))


def test_scenes_of_a_grammar_are_drawn(renderer):
    grammar = digit_grammar()
    frames = renderer.render([sample_scene(grammar, 0)], [RenderSettings(48, 40)])
    assert frames[0].image.shape == (40, 48, 3) and frames[0].image.max() > 100
