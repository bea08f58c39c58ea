"""Scenes are a pure function of grammar and seed, and structure is drawn apart from attributes."""

import hashlib
import json
import os
import pickle
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from blender_addon.contract.scene_graph import to_dict
from metasim_backend.grammar import (
    CountBetween,
    GrammarError,
    RuleChoice,
    expand,
    failed_conditions,
    grammar_from_dict,
    sample_attributes,
    sample_scene,
    sample_structure,
    structure_failures,
)

ROOT = Path(__file__).resolve().parents[2]
METRES = {"kind": "continuous", "range": [0, 50], "mutable": True}


def queue(count, require=(), along=(0, 50)):
    """A street with lanes of cars, small enough to reckon with."""
    car = {
        "along": {**METRES, "prior": {"uniform": list(along)}},
        "across": {**METRES, "prior": {"constant": 1}},
    }
    return grammar_from_dict(
        {
            "domain": "test",
            "start": "street",
            "symbols": ["pair"],
            "classes": {"street": {}, "lane": {}, "car": {"attributes": car}, "light": None},
            "rules": [
                {"name": "one", "expand": "street", "probability": 0.25, "into": ["lane", "light"]},
                {"name": "two", "expand": "street", "probability": 0.75, "into": ["pair", "light"]},
                {"name": "pair", "expand": "pair", "into": [{"class": "lane", "count": 2}]},
                {"name": "lane", "expand": "lane", "into": [{"class": "car", "count": count}]},
            ],
            "require": list(require),
        }
    )


def test_ids_are_numbered_by_class_in_depth_first_order():
    grammar = queue(2)
    choices = (
        RuleChoice("two", (1, 1)),
        RuleChoice("pair", (2,)),
        RuleChoice("lane", (2,)),
        RuleChoice("lane", (1,)),
    )
    assert [(n.id, n.parent) for n in expand(grammar, choices)] == [
        ("street", None),
        ("lane_0", "street"),
        ("car_0", "lane_0"),
        ("car_1", "lane_0"),
        ("lane_1", "street"),
        ("car_2", "lane_1"),
        ("light", "street"),
    ]


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ((), "ends before 'street'"),
        ((RuleChoice("pair", (2,)),), "does not expand 'street'"),
        ((RuleChoice("one", (1,)),), "2 items"),
        ((RuleChoice("one", (0, 1)), RuleChoice("lane", (1,))), "goes on with 'lane'"),
    ],
)
def test_choices_that_are_no_derivation_are_refused(choices, says):
    with pytest.raises(GrammarError, match=says):
        expand(queue(1), choices)


def test_rules_and_counts_come_with_their_probabilities():
    grammar = queue({0: 0.2, 1: 0.5, 3: 0.3})
    rng = np.random.default_rng(5)
    drawn = [sample_structure(grammar, rng) for _ in range(2000)]
    first = Counter(choices[0].rule for choices in drawn)
    assert stats.binomtest(first["two"], 2000, 0.75).pvalue > 0.01
    counts = Counter(c.counts[0] for choices in drawn for c in choices if c.rule == "lane")
    total = sum(counts.values())
    expected = [0.2 * total, 0.5 * total, 0.3 * total]
    assert stats.chisquare([counts[0], counts[1], counts[3]], expected).pvalue > 0.01


def test_structure_and_attributes_have_streams_of_their_own():
    before, after = queue({0: 0.5, 2: 0.5}), queue({0: 0.5, 2: 0.5}, along=(10, 11))
    for seed in range(20):
        ids = [[n.id for n in sample_scene(g, seed).nodes] for g in (before, after)]
        assert ids[0] == ids[1]


def test_overlapping_siblings_are_drawn_again():
    condition = {"no_overlap": ["car"], "length": 5, "width": 2}
    tight = queue(5, [condition])
    free = replace(tight, conditions=())
    overlapping = [
        s for s in range(50) if failed_conditions(tight.conditions, sample_scene(free, s))
    ]
    assert len(overlapping) > 25
    for seed in overlapping:
        scene = sample_scene(tight, seed)
        for lane in scene.of_class("lane"):
            places = sorted(float(n.attributes["along"]) for n in scene.children(lane.id))
            assert min(np.diff(places)) >= 5


def test_a_condition_that_cannot_be_met_is_named():
    grammar = queue(20, [{"no_overlap": ["car"], "length": 5, "width": 2}])
    said = r"no_overlap of car \(grammar, require.0\).*200 tries.*The rule 'lane' makes most"
    with pytest.raises(GrammarError, match=said):
        sample_scene(grammar, 1)
    possible = queue(2, [{"count": ["car", "light"], "between": [0, 12]}])
    grammar = replace(possible, conditions=(CountBetween(("car", "light"), 9, 12),))
    with pytest.raises(GrammarError, match="count of car, light between 9 and 12"):
        sample_scene(grammar, 1)


def test_a_condition_on_counts_selects_structures():
    grammar = queue({0: 0.5, 1: 0.5}, [{"count": ["car"], "between": [1, 1]}])
    for seed in range(30):
        assert len(sample_scene(grammar, seed).of_class("car")) == 1
    empty = expand(grammar, (RuleChoice("one", (1, 1)), RuleChoice("lane", (0,))))
    assert structure_failures(grammar, empty) == grammar.conditions


def test_attributes_of_a_given_skeleton_follow_the_prior():
    grammar = queue(1)
    skeleton = expand(grammar, (RuleChoice("one", (1, 1)), RuleChoice("lane", (1,))))
    rng = np.random.default_rng(2)
    along = [sample_attributes(grammar, skeleton, rng)[2].attributes["along"] for _ in range(1000)]
    assert stats.kstest(along, stats.uniform(0, 50).cdf).pvalue > 0.01


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(GrammarError, match="seed"):
        sample_scene(queue(1), seed)


def test_the_same_seed_gives_the_same_bytes_in_processes_with_other_hash_seeds():
    code = (
        "import hashlib, json, sys\n"
        "from blender_addon.contract.scene_graph import to_dict\n"
        "from metasim_backend.grammar import load_grammar, sample_scene\n"
        "grammar = load_grammar('scenes/driving.yaml')\n"
        "data = [to_dict(sample_scene(grammar, seed)) for seed in range(40)]\n"
        "assert 'torch' not in sys.modules\n"
        "print(hashlib.sha256(json.dumps([grammar.to_dict(), data]).encode()).hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "4242")
    }
    assert len(digests) == 1


def test_another_seed_gives_another_scene_and_pickling_changes_none():
    grammar = queue(3)
    again = pickle.loads(pickle.dumps(grammar))
    texts = [json.dumps(to_dict(sample_scene(grammar, seed))) for seed in range(20)]
    assert texts == [json.dumps(to_dict(sample_scene(again, seed))) for seed in range(20)]
    assert len({hashlib.sha256(text.split('"nodes"')[1].encode()).digest() for text in texts}) == 20
