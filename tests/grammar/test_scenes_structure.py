"""The grammars whose structure is learned: what their targets change, and that it can be seen."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from blender_addon.contract.frames import RenderSettings
from metasim_backend.features.count_histograms import Quantity, histogram
from metasim_backend.grammar import failed_conditions, load_grammar, sample_scene
from metasim_backend.statistics.histograms import total_variation
from metasim_backend.worlds.registry import open_renderer

SCENES = Path(__file__).resolve().parents[2] / "scenes"
AERIAL = {name: load_grammar(SCENES / f"aerial2d_structure{name}.yaml") for name in ("", "_target")}


def kind_and_cars(grammar, count):
    scenes = [sample_scene(grammar, seed) for seed in range(count)]
    return [(str(s.node("road").attributes["kind"]), len(s.of_class("car"))) for s in scenes]


def test_aerial_target_changes_rules_alone():
    prior, target = AERIAL.values()
    assert prior.classes == target.classes and prior.conditions == target.conditions
    assert prior.render == target.render
    assert [r.name for r in prior.rules] == [r.name for r in target.rules]
    assert [r.probability for r in prior.rules] == [r.probability for r in target.rules]
    assert not any(a.mutable for spec in prior.classes for a in spec.attributes)


def test_cars_depend_on_the_kind_of_road_in_the_target_and_not_in_the_prior():
    prior = Counter(kind_and_cars(AERIAL[""], 2400))
    assert len(prior) == 12
    for number in prior.values():  # 200 each; room is scarce for five on a narrow road
        assert number == pytest.approx(200, abs=60)
    for kind, cars in kind_and_cars(AERIAL["_target"], 300):
        assert cars in ((3, 4, 5) if kind == "wide" else (0, 1, 2))


def test_kinds_of_road_differ_in_the_picture_and_cars_show():
    grammar = AERIAL[""]
    scenes = [sample_scene(grammar, seed) for seed in range(150)]
    renderer = open_renderer("aerial2d")
    frames = renderer.render(scenes, [RenderSettings(64, 64)] * len(scenes))
    area = {"wide": [], "narrow": []}
    for scene, frame in zip(scenes, frames, strict=True):
        assert failed_conditions(grammar.conditions, scene) == ()
        shown = {label.node: label.visible_pixels for label in frame.labels}
        on_road = sum(p for node, p in shown.items() if scene.node(node).class_name != "house")
        area[str(scene.node("road").attributes["kind"])].append(on_road)
        assert all(shown.get(car.id, 0) >= 8 for car in scene.of_class("car"))
    assert np.min(area["wide"]) > 1.3 * np.max(area["narrow"])


def test_driving_target_changes_rules_alone_and_makes_other_counts():
    prior, target = (
        load_grammar(SCENES / f"driving_structure{name}.yaml") for name in ("", "_target")
    )
    assert prior.classes == target.classes and prior.conditions == target.conditions
    assert prior.render == target.render and [r.name for r in prior.rules] == [
        r.name for r in target.rules
    ]
    for rule, other in zip(prior.rules, target.rules, strict=True):
        assert rule.sets == other.sets
        assert [(i.class_name, i.sets) for i in rule.items] == [
            (i.class_name, i.sets) for i in other.items
        ]
    for classes, least in ((("car", "van"), 0.2), (("tree",), 0.2), (("building",), 0.25)):
        first, second = (
            histogram(Quantity("", classes), [sample_scene(g, seed) for seed in range(150)])
            for g in (prior, target)
        )
        assert total_variation(first, second) > least
