"""The digit grammars: they load, and their targets differ from them in priors alone."""

from pathlib import Path

import numpy as np
import pytest

from metasim_backend.grammar import attribute_samples, load_grammar, sample_scene
from metasim_backend.grammar.encoding import Encoding

SCENES = Path(__file__).parents[2] / "scenes"
NAMES = ("mnist_rotation", "mnist_rotation_translation", "mnist_spread")


@pytest.mark.parametrize("name", NAMES)
def test_a_target_has_the_structure_and_slots_of_its_grammar(name):
    prior, target = (load_grammar(SCENES / f"{name}{part}.yaml") for part in ("", "_target"))
    assert [s.name for s in Encoding(prior).slots] == [s.name for s in Encoding(target).slots]
    assert prior.rules == target.rules and prior.render == target.render
    scene = sample_scene(target, 0)
    assert [node.class_name for node in scene.nodes] == ["canvas", "digit"]


def test_the_priors_are_the_papers():
    """Upright with a deviation of 10 degrees; the target lies on its side, in a corner."""
    prior = load_grammar(SCENES / "mnist_rotation_translation.yaml")
    yaw = attribute_samples(prior, [sample_scene(prior, i) for i in range(2000)])["digit.yaw"]
    wrapped = (np.asarray(yaw) + 180) % 360 - 180
    assert abs(wrapped.mean()) < 1 and wrapped.std() == pytest.approx(10, rel=0.06)
    target = load_grammar(SCENES / "mnist_rotation_translation_target.yaml")
    digit = sample_scene(target, 0).node("digit").attributes
    assert digit["yaw"] == 90 and digit["x"] < -15 and digit["y"] < -15


def test_every_handwritten_sample_can_be_drawn():
    grammar = load_grammar(SCENES / "mnist_rotation.yaml")
    digits = [sample_scene(grammar, i).node("digit").attributes for i in range(3000)]
    images = np.array([d["image"] for d in digits])
    assert images.min() < 100 and images.max() > 99_900 and len(set(images.tolist())) > 2900
    assert len({d["label"] for d in digits}) == 10


def test_multi_mnists_structure_is_all_that_its_target_changes():
    prior, target = (load_grammar(SCENES / f"multi_mnist{part}.yaml") for part in ("", "_target"))
    assert prior.classes == target.classes and prior.conditions == target.conditions
    assert not any(a.mutable for spec in prior.classes for a in spec.attributes)
    assert [rule.name for rule in prior.rules] == [rule.name for rule in target.rules]
    assert all(dict(prior.rules[0].items[0].counts)[n] == pytest.approx(0.1) for n in range(1, 11))
    even = {rule.name for rule in target.rules[1:] if rule.probability > 0}
    assert even == {"zero", "two", "four", "six", "eight"}
    shares = dict(target.rules[0].items[0].counts)
    assert sorted(shares, key=lambda n: -shares[n])[:2] == [3, 7]


def test_ten_digits_find_room_so_that_counts_are_drawn_as_the_rules_say():
    prior = load_grammar(SCENES / "multi_mnist.yaml")
    scenes = [sample_scene(prior, seed) for seed in range(1500)]
    counts = np.bincount([len(scene) - 1 for scene in scenes], minlength=11)[1:]
    assert np.abs(counts / 150 - 1).max() < 0.3  # five standard deviations
    for scene in scenes[:100]:
        labels = [node.attributes["label"] for node in scene.of_class("digit")]
        assert 1 <= len(labels) <= 10
