"""Pass indices and Cityscapes' ids."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.contract.semantics import (
    CITYSCAPES,
    SEMANTIC_OF_CLASS,
    UNLABELLED,
    instance_map,
    semantic_id,
    semantic_map,
    unlabelled_index,
)


def test_ids_are_cityscapes_own_and_fit_a_pass_index():
    assert (CITYSCAPES["road"], CITYSCAPES["car"], CITYSCAPES["bicycle"]) == (7, 26, 33)
    assert len(set(CITYSCAPES.values())) == len(CITYSCAPES)
    assert all(UNLABELLED <= unlabelled_index(name) <= 32_767 for name in CITYSCAPES)


def test_every_class_is_seen_as_something_that_cityscapes_has():
    assert set(SEMANTIC_OF_CLASS.values()) <= set(CITYSCAPES)


@pytest.mark.parametrize(("name", "number"), [
    ("van", 26), ("cyclist", 25), ("tree", 21), ("furniture", 4), ("sidewalk", 8),
    ("traffic sign", 20), ("guard rail", 14), ("dragon", 0),
])  # fmt: skip
def test_classes_and_cityscapes_names_have_ids(name, number):
    assert semantic_id(name) == number


def test_one_map_is_split_into_instances_and_classes():
    raw = np.array([[0, 1, 2, 3], [32_703, unlabelled_index("road"), UNLABELLED, 32_767]])
    raw = raw.astype(np.uint16)
    sky = np.zeros((2, 4), bool)
    sky[0, 0] = True
    np.testing.assert_array_equal(instance_map(raw), [[0, 1, 2, 3], [32_703, 0, 0, 0]])
    found = semantic_map(raw, {1: "van", 2: "dragon", 32_703: "person"}, sky)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [[23, 26, 0, 0], [24, 7, 0, 63]])
