"""The exact gradient through sprites, held against finite differences, and both through the same
call."""

from pathlib import Path

import pytest
import torch
from blob_world import BlobRenderer
from synthetic_digits import digit_grammar, synthetic_digits

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering import differentiate
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.worlds.mnist_sprites import MnistWorld
from metasim_backend.worlds.registry import open_renderer

SETTINGS = RenderSettings(48, 40)
COUNT = 12


@pytest.fixture(scope="module")
def world():
    grammar = digit_grammar()
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(COUNT)]
    return SpriteRenderer(MnistWorld(synthetic_digits())), encoding, scenes


def gradients(world, method, loss, change=lambda values: values):
    renderer, encoding, scenes = world
    data = [encoding.encode(scene) for scene in scenes]
    values = [change(d["values"].clone()).requires_grad_() for d in data]
    mutable = [d["mutable"] & d["present"] for d in data]
    images, tape = differentiate.render(
        renderer, encoding, scenes, values, mutable, [SETTINGS] * len(scenes), method=method
    )
    loss(images).backward()
    return [v.grad for v in values], mutable, tape


def smooth_loss(images):
    """Squared distance to a blurred random picture."""
    source = torch.Generator().manual_seed(0)
    rough = torch.rand(len(images), 3, 10, 12, generator=source)
    wanted = torch.nn.functional.interpolate(rough, size=images.shape[2:], mode="bilinear")
    return (images - wanted).square().mean((1, 2, 3)).sum()


def test_each_scenes_gradient_agrees_with_finite_differences(world):
    exact, mutable, _ = gradients(world, "exact", smooth_loss)
    finite, _, tape = gradients(world, "full", smooth_loss)
    for a, b, chosen in zip(exact, finite, mutable, strict=True):
        assert float(torch.cosine_similarity(a[chosen], b[chosen], 0)) >= 0.98
    assert tape.steps == COUNT * 2 * 3


@pytest.mark.parametrize("attribute", ["yaw", "x", "size"])
def test_each_attribute_kind_agrees_with_finite_differences(world, attribute):
    index = world[1].slot("digit", attribute).index
    exact, _, _ = gradients(world, "exact", smooth_loss)
    finite, _, _ = gradients(world, "full", smooth_loss)
    a = torch.cat([g[1:, index] for g in exact])
    b = torch.cat([g[1:, index] for g in finite])
    assert float(torch.cosine_similarity(a, b, 0)) >= 0.98
    assert 0.9 < float(a.norm() / b.norm()) < 1.1


def test_immutable_slots_and_other_classes_have_no_gradient(world):
    exact, mutable, _ = gradients(world, "exact", smooth_loss)
    for gradient, chosen in zip(exact, mutable, strict=True):
        assert not gradient[~chosen].any()
        assert (gradient[chosen] != 0).all()


def test_auto_takes_the_exact_gradient_where_there_is_one(world):
    _, _, tape = gradients(world, "auto", smooth_loss)
    assert tape.steps == 0
    assert differentiate.method_for(BlobRenderer(), "auto") == "local"
    with pytest.raises(differentiate.DifferentiationError, match="blobs.*no exact"):
        differentiate.method_for(BlobRenderer(), "exact")


def test_the_tape_has_the_scenes_and_frames_that_were_seen(world):
    _, _, tape = gradients(world, "exact", smooth_loss)
    renderer = world[0]
    assert len(tape.frames) == COUNT
    again = renderer.render(tape.scenes, [RenderSettings(48, 40, float_image=True)] * COUNT)
    for frame, other in zip(tape.frames, again, strict=True):
        assert (frame.image == other.image).all()


def test_beyond_its_range_a_value_is_pushed_back_and_never_farther_out(world):
    index = world[1].slot("digit", "x").index

    def beyond(values):
        values[1:, index] = 1.2
        return values

    def pull(images, sign):
        columns = torch.linspace(-1, 1, 48)
        return sign * (images * columns).sum()

    inward, _, _ = gradients(world, "exact", lambda i: pull(i, 1), beyond)
    outward, _, _ = gradients(world, "exact", lambda i: pull(i, -1), beyond)
    assert all((g[1:, index] >= 0).all() for g in inward)
    assert any((g[1:, index] > 0).any() for g in inward)
    assert all((g[1:, index] == 0).all() for g in outward)


@pytest.fixture(scope="module")
def aerial():
    """Both gradients of twelve aerial scenes, and which slots are mutable."""
    grammar = load_grammar(Path(__file__).parents[2] / "scenes/aerial2d_spread_target.yaml")
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(COUNT)]
    found = [
        gradients((open_renderer("aerial2d"), encoding, scenes), method, smooth_loss)
        for method in ("exact", "full")
    ]
    return encoding, found[0][0], found[1][0], found[0][1]


def test_in_each_aerial_scene_both_gradients_agree(aerial):
    _, exact, finite, mutable = aerial
    for a, b, chosen in zip(exact, finite, mutable, strict=True):
        assert float(torch.cosine_similarity(a[chosen], b[chosen], 0)) >= 0.98


def test_for_each_of_the_nine_aerial_attributes_both_gradients_agree(aerial):
    encoding, exact, finite, mutable = aerial
    for slot in encoding.slots:
        if not slot.attribute.mutable:
            continue
        a, b = (
            torch.cat([g[m[:, slot.index], slot.index] for g, m in zip(side, mutable, strict=True)])
            for side in (exact, finite)
        )
        assert float(torch.cosine_similarity(a, b, 0)) >= 0.98, slot.name
        assert 0.9 < float(a.norm() / b.norm()) < 1.1, slot.name
