"""Gradients through a renderer, against exact ones of a renderer that has a closed form."""

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer, attributes, picture

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import grammar_from_dict, sample_scene
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.rendering import differentiate


def setup(count=3):
    grammar = grammar_from_dict(GRAMMAR)
    encoding = Encoding(grammar)
    scenes = [sample_scene(grammar, seed) for seed in range(count)]
    data = [encoding.encode(scene) for scene in scenes]
    return encoding, scenes, data


def exact_gradient(encoding, scenes, adjoint):
    """[sum N, A] in unit space, by autograd through the closed form."""
    out = []
    for scene, weights in zip(scenes, adjoint, strict=True):
        light, blobs = attributes(scene)
        light.requires_grad_()
        for pair in blobs:
            for value in pair:
                value.requires_grad_()
        (picture(light, blobs).permute(2, 0, 1) * weights).sum().backward()
        gradient = torch.zeros(len(scene), encoding.slot_count, dtype=torch.float64)
        gradient[0, encoding.slot("field", "light").index] = light.grad
        for row, (x, turn) in enumerate(blobs, 1):
            gradient[row, encoding.slot("car", "x").index] = x.grad * 10
            gradient[row, encoding.slot("car", "turn").index] = turn.grad * 360
        out.append(gradient)
    return torch.cat(out)


def rendered(encoding, scenes, data, **options):
    renderer = BlobRenderer()
    values = [d["values"].clone().requires_grad_() for d in data]
    out, tape = differentiate.render(
        renderer,
        encoding,
        scenes,
        values,
        [d["mutable"] & d["present"] for d in data],
        [RenderSettings(SIZE, SIZE)] * len(scenes),
        **options,
    )
    return values, out, tape, renderer


def run(encoding, scenes, data, adjoint, **options):
    values, out, tape, renderer = rendered(encoding, scenes, data, **options)
    (out * adjoint).sum().backward()
    return torch.cat([v.grad for v in values]), tape, renderer


def test_every_attribute_of_every_scene_in_a_batch_agrees_with_the_exact_gradient():
    """Per scene: the released code pairs one scene's difference with the whole batch's adjoint,
    and divides by nothing."""
    encoding, scenes, data = setup()
    adjoint = torch.randn(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    found, tape, _ = run(encoding, scenes, data, adjoint)
    exact = exact_gradient(encoding, scenes, adjoint.double())
    torch.testing.assert_close(found.double(), exact, rtol=0.02, atol=0.02)
    assert tape.steps == 3 * 5
    assert [len(f.labels) for f in tape.frames] == [2, 2, 2]


def test_changing_one_scenes_adjoint_changes_only_its_gradient():
    encoding, scenes, data = setup(2)
    adjoint = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    both, _, _ = run(encoding, scenes, data, adjoint)
    changed = adjoint.clone()
    changed[1] *= -2
    after, _, _ = run(encoding, scenes, data, changed)
    rows = len(scenes[0])
    torch.testing.assert_close(after[:rows], both[:rows])
    torch.testing.assert_close(after[rows:], -2 * both[rows:])


def test_random_coordinates_are_unbiased():
    encoding, scenes, data = setup(1)
    adjoint = torch.ones(1, 3, SIZE, SIZE)
    whole, _, _ = run(encoding, scenes, data, adjoint)
    total = torch.zeros_like(whole)
    generator = np.random.default_rng(0)
    draws = 400
    for _ in range(draws):
        weights = (generator.random(data[0]["values"].shape) < 0.5) / 0.5
        total += run(encoding, scenes, data, adjoint, chosen=[weights])[0]
    torch.testing.assert_close(total / draws, whole, rtol=0.2, atol=1e-3)


def test_at_the_end_of_a_range_the_step_is_one_sided_and_descent_cannot_leave_it():
    encoding, scenes, data = setup(1)
    slot = encoding.slot("field", "light").index
    data[0]["values"][0, slot] = 1.02  # drawn beyond the range, decoded as 1
    adjoint = torch.ones(1, 3, SIZE, SIZE)
    inward, _, _ = run(encoding, scenes, data, adjoint)
    outward, _, _ = run(encoding, scenes, data, -adjoint)
    bright = [s.with_attributes({"field": {"light": 1.0}}) for s in scenes]
    exact = exact_gradient(encoding, bright, adjoint.double())
    assert inward[0, slot].item() == pytest.approx(exact[0, slot].item(), rel=0.02)
    assert outward[0, slot].item() == 0


def test_immutable_slots_and_categories_get_no_gradient():
    encoding, scenes, data = setup(1)
    x = encoding.slot("car", "x").index
    data[0]["mutable"][:, x] = False
    found, _, _ = run(encoding, scenes, data, torch.ones(1, 3, SIZE, SIZE))
    assert (found[:, x] == 0).all()
    assert (found[:, encoding.slot("car", "kind").index] == 0).all()


def test_the_method_reaches_the_renderer():
    encoding, scenes, data = setup(1)
    adjoint = torch.ones(1, 3, SIZE, SIZE)
    assert run(encoding, scenes, data, adjoint, method="full")[2].asked_full_frame == [True]
    assert run(encoding, scenes, data, adjoint, method="local")[2].asked_full_frame == [False]
    with pytest.raises(ValueError, match="'guess'"):
        run(encoding, scenes, data, adjoint, method="guess")


def test_behind_features_the_gradient_is_that_of_the_features_too():
    """φ is smooth but far from linear; both ways agree with autograd through the closed form."""
    encoding, scenes, data = setup()
    weights = torch.randn(3 * SIZE * SIZE, 4, generator=torch.Generator().manual_seed(1)) / 40

    def features(images):
        return torch.sin(images.flatten(1) @ weights.to(images))

    values, out, tape, _ = rendered(encoding, scenes, data, features=features)
    images = torch.stack([torch.from_numpy(f.image) for f in tape.frames]).permute(0, 3, 1, 2)
    torch.testing.assert_close(out, features(images))
    adjoint = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    (out * adjoint).sum().backward()
    images = images.double().requires_grad_()
    (features(images) * adjoint.double()).sum().backward()
    exact = exact_gradient(encoding, scenes, images.grad)
    found = torch.cat([v.grad for v in values]).double()
    torch.testing.assert_close(found, exact, rtol=0.03, atol=0.03)
