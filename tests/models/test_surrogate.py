"""The surrogate over scene graphs: its gradient, its inputs, and what it can be taught."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.surrogate import Surrogate

SCENES = Path(__file__).parents[2] / "scenes"
CLASSES = ("car", "person")


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return Encoding(load_grammar(SCENES / "driving.yaml", assets=()))


@pytest.fixture(scope="module")
def encoded(encoding: Encoding):
    return encode_scenes(encoding, [sample_scene(encoding.grammar, seed) for seed in range(40)])


def surrogate_of(encoding: Encoding) -> Surrogate:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Surrogate(encoding, 3, CLASSES, 4)


def test_a_scene_is_predicted_alike_whatever_it_is_joined_with(encoding, encoded):
    surrogate = surrogate_of(encoding)
    surrogate.fit_inputs(encoded)
    together = encoded.batch(torch.tensor([3, 7, 3]))
    alone = encoded.batch(torch.tensor([7]))
    many, one = surrogate(together, together.values), surrogate(alone, alone.values)
    assert torch.allclose(many.scene[1], one.scene[0], atol=1e-5)
    assert torch.allclose(many.scene[0], many.scene[2], atol=1e-6)
    of_second = together.batch[surrogate.of_labelled(together)] == 1
    for name in ("outcomes", "objects", "object_spreads"):
        joined, single = getattr(many, name), getattr(one, name)
        assert torch.allclose(joined[of_second], single, atol=1e-5), name
    classes = [encoding.grammar.classes[int(c)].name for c in together.node_class]
    labelled = surrogate.of_labelled(together).tolist()
    assert labelled == [i for i, name in enumerate(classes) if name in CLASSES]


def test_the_gradient_in_the_attributes_is_that_of_finite_differences(encoding, encoded):
    surrogate = surrogate_of(encoding).double()
    surrogate.fit_inputs(encoded)
    batch = encoded.batch(torch.tensor([5]))
    values = batch.values.double().requires_grad_()

    def total(values: torch.Tensor) -> torch.Tensor:
        predicted = surrogate(batch, values)
        return sum(getattr(predicted, field.name).sum() for field in fields(predicted))

    (gradient,) = torch.autograd.grad(total(values), values)
    slot = encoding.slot("camera", "pitch").index
    row = int(batch.present[:, slot].nonzero()[0, 0])
    moved = values.detach().clone()
    step = 1e-5
    sums = []
    for side in (-step, step):
        moved[row, slot] = values[row, slot].detach() + side
        sums.append(float(total(moved).detach()))
    assert float(gradient[row, slot]) == pytest.approx((sums[1] - sums[0]) / (2 * step), rel=1e-4)
    assert float(gradient[row, slot]) != 0


def test_inputs_are_standardised_over_the_nodes_that_have_them(encoding, encoded):
    surrogate = surrogate_of(encoding)
    surrogate.fit_inputs(encoded)
    whole = encoded.batch(torch.arange(len(encoded)))
    features = surrogate.features(whole, whole.values)
    slot = encoding.slot("car", "along")
    cars = features[whole.present[:, slot.index], slot.columns]
    assert float(cars.mean()) == pytest.approx(0, abs=1e-4)
    assert float(cars.std(correction=0)) == pytest.approx(1, abs=1e-3)
    others = features[~whole.present[:, slot.index], slot.columns]
    assert float(others.abs().max()) == 0


def test_what_one_camera_says_is_not_drowned_by_fifty_nodes(encoding, encoded):
    """A linear function of the camera's pitch is learned from forty scenes in a few steps."""
    surrogate = surrogate_of(encoding)
    surrogate.fit_inputs(encoded)
    batch = encoded.batch(torch.arange(len(encoded)))
    slot = encoding.slot("camera", "pitch")
    pitch = surrogate.features(batch, batch.values)[:, slot.columns][batch.present[:, slot.index]]
    optimiser = torch.optim.Adam(surrogate.parameters(), 3e-3)
    for _ in range(60):
        error = (surrogate(batch, batch.values).scene[:, :1] - pitch).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert float(error.detach()) < 0.1  # of a variance of 1
