"""Scene graphs become tensors and come back; columns stand in the grammar's order."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data

from blender_addon.contract.scene_graph import from_dict, to_dict
from metasim_backend.grammar import (
    GrammarError,
    attribute_samples,
    check_scene,
    load_grammar,
    sample_scene,
)
from metasim_backend.grammar.encoding import Encoding, unit_to_value, value_to_unit

GRAMMAR = load_grammar(Path(__file__).resolve().parents[2] / "scenes" / "driving.yaml")
ENCODING = Encoding(GRAMMAR)
SCENES = [sample_scene(GRAMMAR, seed) for seed in range(12)]


def test_slots_stand_in_the_files_order_and_columns_follow_each_other():
    expected = [
        (spec.name, attribute.name)
        for spec in GRAMMAR.classes
        for attribute in spec.attributes
        if attribute.kind != "integer"
    ]
    assert [(s.class_name, s.attribute.name) for s in ENCODING.slots] == expected
    assert [s.index for s in ENCODING.slots] == list(range(ENCODING.slot_count))
    column = ENCODING.class_count
    for slot in ENCODING.slots:
        width = {"continuous": 1, "circular": 2}.get(slot.kind, len(slot.attribute.values))
        assert (slot.columns.start, slot.columns.stop) == (column, column + width)
        column += width
    assert column == ENCODING.feature_size


@pytest.mark.parametrize("scene", SCENES[:5])
def test_decoding_what_was_encoded_gives_the_scene_back(scene):
    again = ENCODING.decode(scene, ENCODING.encode(scene).values)
    assert [(n.id, n.class_name, n.parent) for n in again.nodes] == [
        (n.id, n.class_name, n.parent) for n in scene.nodes
    ]
    for before, after in zip(scene.nodes, again.nodes, strict=True):
        for spec in GRAMMAR.class_by_name[before.class_name].attributes:
            old, new = before.attributes[spec.name], after.attributes[spec.name]
            if spec.kind in ("categorical", "integer") or not spec.mutable:
                assert old == new
                continue
            gap = abs(old - new)
            if spec.kind == "circular":
                gap = min(gap, spec.period - gap)
            assert gap <= 1e-5 * spec.span


def test_features_agree_with_a_reckoning_by_hand():
    """Node by node and attribute by attribute, with plain Python."""
    scene = SCENES[0]
    data = ENCODING.encode(scene)
    x = ENCODING.features(data.values, data.present, data.node_class)
    assert x.shape == (len(scene), ENCODING.feature_size)
    for row, node in zip(x.double().numpy(), scene.nodes, strict=True):
        expected: list[float] = [float(spec.name == node.class_name) for spec in GRAMMAR.classes]
        for spec in GRAMMAR.classes:
            for a in spec.attributes:
                here = spec.name == node.class_name
                value = node.attributes.get(a.name) if here else None
                if a.kind == "continuous":
                    low, high = a.range
                    expected.append((value - low) / (high - low) if here else 0.0)
                elif a.kind == "circular":
                    turn = np.deg2rad(value) if here else 0.0
                    expected += [np.sin(turn), np.cos(turn)] if here else [0.0, 0.0]
                elif a.kind == "categorical":
                    expected += [float(here and value == v) for v in a.values]
        np.testing.assert_allclose(row, expected, atol=1e-5)


def test_edges_run_both_ways_with_a_type():
    scene = SCENES[1]
    data = ENCODING.encode(scene)
    ids = [node.id for node in scene.nodes]
    edges = {
        (ids[a], ids[b], int(t))
        for a, b, t in zip(*data.edge_index.tolist(), data.edge_type.tolist(), strict=True)
    }
    children = [node for node in scene.nodes if node.parent is not None]
    assert edges == {(n.parent, n.id, 0) for n in children} | {
        (n.id, n.parent, 1) for n in children
    }
    assert data.edge_index.shape[1] == 2 * len(children)


def test_masks_mark_present_and_mutable_slots():
    scene = SCENES[2]
    data = ENCODING.encode(scene)
    for i, node in enumerate(scene.nodes):
        for slot in ENCODING.slots:
            assert bool(data.present[i, slot.index]) == (slot.class_name == node.class_name)
    assert torch.equal(
        data.mutable,
        data.present & torch.tensor([s.attribute.mutable for s in ENCODING.slots]),
    )
    assert (data.values[~data.present] == 0).all()


def test_a_batch_of_mixed_sizes_equals_its_parts():
    parts = [ENCODING.encode(scene) for scene in SCENES]
    assert len({part.num_nodes for part in parts}) > 1
    batch = Batch.from_data_list(parts)
    x = ENCODING.features(batch.values, batch.present, batch.node_class)
    alone = torch.cat([ENCODING.features(p.values, p.present, p.node_class) for p in parts])
    torch.testing.assert_close(x, alone)
    assert batch.num_graphs == len(SCENES)
    crossing = batch.batch[batch.edge_index[0]] != batch.batch[batch.edge_index[1]]
    assert not crossing.any()
    for scene, start, stop in zip(SCENES, batch.ptr[:-1], batch.ptr[1:], strict=True):
        check_scene(GRAMMAR, ENCODING.decode(scene, batch.values[start:stop]))
    assert [part.num_nodes for part in batch.to_data_list()] == [p.num_nodes for p in parts]


def test_values_are_the_tensor_however_the_graph_was_made():
    part = ENCODING.encode(SCENES[0])
    assert isinstance(part, Data)
    batch = Batch.from_data_list([part, ENCODING.encode(SCENES[1])])
    graphs = (part, part.clone(), copy.copy(part), part.to("cpu"), batch.get_example(0))
    for graph in (*graphs, pickle.loads(pickle.dumps(part))):
        assert torch.equal(graph.values, part["values"])
    assert torch.equal(batch.clone().values[: len(SCENES[0])], part.values)
    other = part.clone()
    other.values = part.values + 1
    assert torch.equal(other.values, part["values"] + 1)


def test_features_have_the_gradient_that_autograd_finds_numerically():
    data = ENCODING.encode(SCENES[3])
    numeric = torch.tensor([s.kind != "categorical" for s in ENCODING.slots])
    values = data.values.double().requires_grad_()

    def reckon(v):
        mixed = torch.where(numeric, v, data.values.double())
        return ENCODING.features(mixed, data.present, data.node_class)[:6]

    assert torch.autograd.gradcheck(reckon, values)


def test_decode_clamps_wraps_and_rounds_and_leaves_fixed_slots_alone():
    scene = SCENES[4]
    data = ENCODING.encode(scene)
    car = scene.of_class("car")[0]
    row = scene.nodes.index(car)
    for value, along, yaw in ((1.25, 70.0, 90.0), (-0.25, 4.0, 270.0)):
        decoded = ENCODING.decode(scene, torch.full_like(data.values, value))
        check_scene(GRAMMAR, decoded)
        assert decoded.nodes[row].attributes["along"] == along
        assert decoded.nodes[row].attributes["yaw"] == pytest.approx(yaw)
        assert decoded.nodes[row].attributes["model"] == car.attributes["model"]
    values = data.values.clone()
    values[row, ENCODING.slot("car", "colour").index] = 4.4
    assert ENCODING.decode(scene, values).nodes[row].attributes["colour"] == "blue"


def test_angles_on_either_side_of_north_are_neighbours():
    data = to_dict(SCENES[4])
    rows = [i for i, n in enumerate(data["nodes"]) if n["class"] == "car"][:2]
    for row, yaw in zip(rows, (-1e-7, 360 - 1e-9), strict=False):
        data["nodes"][row]["attributes"]["yaw"] = yaw
    data = ENCODING.encode(from_dict(data))
    slot = ENCODING.slot("car", "yaw")
    x = ENCODING.features(data.values, data.present, data.node_class)
    for row in rows:
        assert 0 <= data.values[row, slot.index] < 1
        torch.testing.assert_close(
            x[row, slot.columns], torch.tensor([0.0, 1.0]), atol=1e-6, rtol=0
        )


def test_units_values_and_steps():
    along, yaw = ENCODING.slot("car", "along"), ENCODING.slot("car", "yaw")
    colour = ENCODING.slot("car", "colour")
    assert value_to_unit(along, 37.0) == 0.5
    assert unit_to_value(along, 0.5) == 37.0
    assert along.step_unit == pytest.approx(0.5 / 66)
    assert value_to_unit(yaw, -90.0) == 0.75 and unit_to_value(yaw, -0.25) == 270.0
    assert yaw.step_unit == pytest.approx(5 / 360)
    assert value_to_unit(colour, "silver") == 1.0 and unit_to_value(colour, 99.0) == "beige"
    assert colour.step_unit is None
    for bad in (lambda: value_to_unit(colour, "pink"), lambda: unit_to_value(along, float("nan"))):
        with pytest.raises(GrammarError):
            bad()
    with pytest.raises(GrammarError, match="car.speed"):
        ENCODING.slot("car", "speed")


def test_values_of_the_wrong_shape_are_refused():
    with pytest.raises(GrammarError, match="do not fit"):
        ENCODING.decode(SCENES[0], torch.zeros(2, ENCODING.slot_count))


def test_samples_are_gathered_by_attribute_with_angles_centred():
    samples = attribute_samples(GRAMMAR, SCENES)
    assert list(samples) == [slot.name for slot in ENCODING.slots]
    cars = [node for scene in SCENES for node in scene.of_class("car")]
    yaw = samples["car.yaw"]
    assert len(yaw) == len(cars) and (yaw >= -180).all() and (yaw < 180).all()
    turns = (yaw - [n.attributes["yaw"] for n in cars]) / 360
    np.testing.assert_allclose(turns, turns.round(), atol=1e-9)
    assert yaw.std() < 40 < np.std([n.attributes["yaw"] for n in cars])
    colours = GRAMMAR.class_by_name["car"].by_name["colour"].values
    assert [colours[i] for i in samples["car.colour"]] == [n.attributes["colour"] for n in cars]
