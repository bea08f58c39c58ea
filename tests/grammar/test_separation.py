"""Things that the transformer moved into each other are taken apart again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.footprints import collisions
from metasim_backend.grammar.separation import separated


@pytest.fixture(scope="module")
def grammar(project_root):
    return load_grammar(project_root / "scenes" / "driving.yaml", assets=())


def crowded(scene):
    """All cars moved to one place ahead."""
    changes = {n.id: {"along": 20.0} for n in scene.nodes if n.class_name == "car"}
    return scene.with_attributes(changes)


def test_every_collision_of_a_crowd_is_resolved_and_the_structure_stays(grammar):
    resolved = 0
    for seed in range(8):
        before = sample_scene(grammar, seed)
        after = crowded(before)
        apart = separated(grammar, before, after)
        assert [n.id for n in apart.nodes] == [n.id for n in before.nodes]
        assert len(collisions(apart)) <= len(collisions(after))
        assert collisions(apart) == ()
        resolved += len(collisions(after))
    assert resolved > 8


def test_a_scene_without_collisions_is_the_very_same(grammar):
    scene = sample_scene(grammar, 3)
    assert separated(grammar, scene, scene) is scene


def test_a_grammar_that_forbids_no_collisions_changes_nothing(grammar):
    scene = sample_scene(grammar, 1)
    free = replace(grammar, conditions=())
    assert separated(free, scene, crowded(scene)) == crowded(scene)
