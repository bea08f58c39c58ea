"""The sprite renderer: pictures against closed forms, labels against the pictures."""

import math

import numpy as np
import pytest
import torch
from synthetic_digits import digit_grammar, synthetic_digits

from blender_addon.contract.frames import AttributeStep, RenderSettings
from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar import sample_scene
from metasim_backend.rendering.renderer import (
    DifferenceRenderer,
    ExactRenderer,
    RenderingInputError,
)
from metasim_backend.rendering.sprites import Layer, SceneTable, SpriteRenderer
from metasim_backend.rendering.sprites.drawing import draw, draw_index
from metasim_backend.rendering.sprites.labels import label_frames
from metasim_backend.worlds.mnist_sprites import MnistWorld

SETTINGS = RenderSettings(48, 40)


def layer(textures, **changes):
    """One sprite of one scene, unrotated, its texture's size, centred at (10, 12)."""
    size = {"width": textures.shape[3], "height": textures.shape[2]}
    pose = {"x": 10.0, "y": 12.0, "angle": 0.0} | size | changes
    labelled = bool(pose.pop("labelled", True))
    scene = torch.tensor([pose.pop("scene", 0)])
    node = torch.tensor([pose.pop("node", 0)])
    values = {name: torch.tensor([float(value)]) for name, value in pose.items()}
    return Layer(
        textures, scene=scene, node=node, texture=torch.tensor([0]), labelled=labelled, **values
    )


def square(side=6, value=1.0, alpha=1.0):
    """[1, 2, side + 2, side + 2]: a grey square with a clear border."""
    texture = torch.zeros(1, 2, side + 2, side + 2)
    texture[:, 0, 1:-1, 1:-1] = value * alpha
    texture[:, 1, 1:-1, 1:-1] = alpha
    return texture


def test_an_unrotated_sprite_at_a_whole_pixel_is_its_texture():
    texture = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    picture = draw([layer(texture)], 1, 1, 24, 20)
    torch.testing.assert_close(picture[0, 0, 8:16, 6:14], texture[0, 0], atol=1e-5, rtol=0)
    assert float(picture.sum()) == pytest.approx(float(texture[0, 0].sum()), rel=1e-5)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_angles_turn_anticlockwise_as_seen(turns):
    texture = torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    picture = draw([layer(texture, angle=turns * math.pi / 2)], 1, 1, 24, 20)
    turned = np.rot90(texture[0, 0].numpy(), turns)  # numpy's is anticlockwise too
    np.testing.assert_allclose(picture[0, 0, 8:16, 6:14].numpy(), turned, atol=1e-4)


def test_a_sprite_scales_about_its_centre():
    picture = draw([layer(square(), width=16.0, height=8.0)], 1, 1, 24, 24)[0, 0]
    rows, columns = torch.nonzero(picture > 0.5, as_tuple=True)
    assert (int(columns.min()), int(columns.max()) + 1) == (4, 16)
    assert (int(rows.min()), int(rows.max()) + 1) == (9, 15)


def test_what_is_drawn_later_lies_over_what_was_drawn_before():
    """Porter and Duff's over: a half clear grey of 0.5 over white is 0.75."""
    below, above = layer(square()), layer(square(value=0.5, alpha=0.5), x=13.0, node=1)
    picture = draw([below, above], 1, 1, 24, 20)[0, 0]
    assert float(picture[12, 8]) == pytest.approx(1.0, abs=1e-5)
    assert float(picture[12, 12]) == pytest.approx(0.75, abs=1e-5)
    assert float(picture[12, 15]) == pytest.approx(0.25, abs=1e-5)


def test_a_window_and_the_whole_picture_are_drawn_alike():
    texture = torch.rand(1, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    pose = {"x": 5.3, "y": 6.1, "angle": 0.7}
    small, large = layer(texture, **pose), layer(texture, **pose)
    windowed = draw([small], 1, 1, 64, 64)
    # In so small a picture a window does not pay, so the whole of it is drawn.
    whole = draw([large], 1, 1, 8, 8)
    torch.testing.assert_close(windowed[..., :8, :8], whole, atol=1e-6, rtol=0)


def test_several_sprites_of_a_scene_in_a_layer_come_in_order():
    two = Layer(
        torch.cat([square(value=1.0), square(value=0.2)]),
        scene=torch.tensor([0, 1, 0]),
        node=torch.tensor([1, 1, 2]),
        texture=torch.tensor([0, 0, 1]),
        x=torch.tensor([10.0, 10.0, 12.0]),
        y=torch.tensor([10.0, 10.0, 10.0]),
        angle=torch.zeros(3),
        width=torch.full((3,), 8.0),
        height=torch.full((3,), 8.0),
    )
    pictures = draw([two], 2, 1, 24, 20)
    assert float(pictures[0, 0, 10, 11]) == pytest.approx(0.2, abs=1e-5)
    assert float(pictures[1, 0, 10, 11]) == pytest.approx(1.0, abs=1e-5)
    index = draw_index([two], 2, 24, 20)
    assert int(index[0, 10, 11]) == 2 and int(index[0, 10, 8]) == 1 and int(index[1, 10, 11]) == 1


class Squares:
    """A world whose nodes are squares; only for labels."""

    domain = "squares"
    channels = 1

    def label_class(self, node):
        return node.class_name


def squares(*names):
    nodes = [Node("root", "root", None, {})]
    nodes += [Node(name, "square", "root", {}) for name in names]
    return SceneGraph(tuple(nodes), domain="squares")


def labels_of(layers, *names):
    index = draw_index(layers, 1, 24, 20)
    maps, labels = label_frames(Squares(), [squares(*names)], layers, index)
    return maps[0], labels[0]


def test_labels_of_a_square_half_hidden_and_of_the_one_before_it():
    behind, before = layer(square(), node=1), layer(square(), node=2, x=13.0)
    index, (first, second) = labels_of([behind, before], "a", "b")
    assert (first.node, first.index, second.node, second.index) == ("a", 1, "b", 2)
    assert first.visible_box == (7, 9, 10, 15) and first.amodal_box == (7, 9, 13, 15)
    assert first.visible_pixels == 18 and first.visibility == pytest.approx(0.5)
    assert second.visible_box == (10, 9, 16, 15) and second.visibility == 1
    assert first.occlusion == 1 and second.occlusion == 0
    assert int((index == 1).sum()) == 18 and int((index == 2).sum()) == 36


def test_labels_of_a_square_that_leaves_the_picture():
    _, (label,) = labels_of([layer(square(), node=1, x=1.0)], "a")
    assert label.visible_box == (0, 9, 4, 15) and label.amodal_box == (-2, 9, 4, 15)
    assert label.truncation == pytest.approx(1 / 3) and label.visibility == 1


def test_a_square_outside_the_picture_is_there_but_not_seen():
    _, (label,) = labels_of([layer(square(), node=1, x=-30.0)], "a")
    assert label.visible_box is None and label.visible_pixels == 0
    assert label.visibility == 0 and label.truncation == 1 and label.occlusion == 3


def test_what_has_no_label_hides_what_has():
    hiding = layer(square(), node=2, labelled=False)
    index, (label,) = labels_of([layer(square(), node=1), hiding], "a", "b")
    assert label.node == "a" and label.visible_pixels == 0 and int(index.sum()) == 0


@pytest.fixture(scope="module")
def scenes():
    grammar = digit_grammar()
    return [sample_scene(grammar, seed) for seed in range(6)]


@pytest.fixture(scope="module")
def renderer():
    return SpriteRenderer(MnistWorld(synthetic_digits()))


def test_it_is_a_renderer_of_every_kind(renderer):
    assert isinstance(renderer, DifferenceRenderer) and isinstance(renderer, ExactRenderer)


def test_a_scene_is_drawn_the_same_alone_and_in_a_batch(renderer, scenes):
    together = renderer.render(scenes, [SETTINGS] * len(scenes))
    for scene, frame in zip(scenes, together, strict=True):
        (alone,) = renderer.render([scene], [SETTINGS])
        np.testing.assert_allclose(alone.image.astype(int), frame.image.astype(int), atol=1)
        assert alone.labels == frame.labels


def test_frames_show_what_the_fast_way_to_pictures_shows(renderer, scenes):
    frames = renderer.render(scenes, [SETTINGS] * len(scenes))
    images = renderer.images(scenes, SETTINGS)
    for frame, image in zip(frames, images, strict=True):
        for channel in range(3):
            np.testing.assert_array_equal(frame.image[..., channel], image[0].numpy())


def test_a_digits_label_names_its_class_and_its_box_holds_its_pixels(renderer, scenes):
    (frame,) = renderer.render(scenes[:1], [SETTINGS])
    assert len(frame.labels) == 2
    for label in frame.labels:
        assert label.class_name == scenes[0].node(label.node).attributes["label"]
        rows, columns = np.nonzero(frame.mask(label))
        x0, y0, x1, y1 = label.visible_box
        assert (columns.min(), columns.max() + 1) == (x0, x1)
        assert (rows.min(), rows.max() + 1) == (y0, y1)
        assert label.visible_pixels == len(rows)


def test_differences_are_those_of_two_whole_renders(renderer, scenes):
    steps = []
    for scene in scenes:
        first, second = scene.of_class("digit")
        steps.append(
            [AttributeStep(second.id, "x", -3.0, 4.0), AttributeStep(first.id, "yaw", 10.0, 50.0)]
        )
    found = renderer.differences(scenes, [SETTINGS] * len(scenes), steps)
    wanted = RenderSettings(48, 40, float_image=True)
    for scene, own, differences in zip(scenes, steps, found, strict=True):
        for step, difference in zip(own, differences, strict=True):
            sides = [
                scene.with_attributes({step.node: {step.attribute: value}})
                for value in (step.minus, step.plus)
            ]
            minus, plus = renderer.render(sides, [wanted, wanted])
            assert difference.window == (0, 0, 48, 40)
            np.testing.assert_allclose(difference.values, plus.image - minus.image, atol=1e-5)


def test_no_steps_give_no_differences(renderer, scenes):
    assert renderer.differences(scenes[:2], [SETTINGS] * 2, [[], []]) == [[], []]


def test_a_table_keeps_parents_when_scenes_are_taken(scenes):
    table = SceneTable.of(scenes)
    taken = table.take(torch.tensor([3, 3, 0]))
    digits = taken.classes["digit"]
    assert taken.scenes == 3 and digits.scene.tolist() == [0, 0, 1, 1, 2, 2]
    assert digits.parent.tolist() == [0, 0, 1, 1, 2, 2]
    assert taken.classes["canvas"].scene.tolist() == [0, 1, 2]
    expected = [n.attributes["x"] for i in (3, 3, 0) for n in scenes[i].of_class("digit")]
    np.testing.assert_allclose(digits.numbers["x"].numpy(), expected, rtol=1e-6)


def test_a_scene_of_another_world_is_refused_by_name(renderer, scenes):
    other = SceneGraph(scenes[0].nodes, domain="driving", seed=5)
    with pytest.raises(RenderingInputError, match="seed 5.*'driving'"):
        renderer.render([other], [SETTINGS])


def test_pictures_of_two_sizes_at_once_are_refused(renderer, scenes):
    with pytest.raises(RenderingInputError, match="one size"):
        renderer.render(scenes[:2], [SETTINGS, RenderSettings(32, 32)])
