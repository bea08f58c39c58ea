"""The shipped driving grammar and the demo's hidden target say what they promise."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from metasim_backend.grammar import (
    attribute_samples,
    check_scene,
    failed_conditions,
    load_grammar,
    sample_scene,
)

SCENES = Path(__file__).resolve().parents[2] / "scenes"
PRIOR = load_grammar(SCENES / "driving.yaml")
TARGET = load_grammar(SCENES / "demo_target.yaml")


@pytest.fixture(scope="module")
def prior_scenes():
    return [sample_scene(PRIOR, seed) for seed in range(500)]


@pytest.fixture(scope="module")
def target_scenes():
    return [sample_scene(TARGET, seed) for seed in range(500)]


def test_500_scenes_of_each_fit_the_grammar_and_meet_every_condition(prior_scenes, target_scenes):
    for grammar, scenes in ((PRIOR, prior_scenes), (TARGET, target_scenes)):
        for scene in scenes:
            check_scene(grammar, scene)
            assert failed_conditions(grammar.conditions, scene) == ()


def test_scenes_have_the_promised_size(prior_scenes):
    sizes = [len(scene) for scene in prior_scenes]
    vehicles = [len(scene.of_class("car", "van")) for scene in prior_scenes]
    assert np.percentile(sizes, 5) >= 25 and np.percentile(sizes, 95) <= 65
    assert 4 <= np.median(vehicles) <= 8


def test_settings_come_with_their_probabilities(prior_scenes):
    settings = [scene.root.attributes["setting"] for scene in prior_scenes]
    observed = [settings.count(name) for name in ("suburban", "town", "country")]
    # The condition that a scene has a vehicle takes a few country roads away.
    assert stats.chisquare(observed, [225, 175, 100]).pvalue > 1e-3


def test_camera_sun_and_road_follow_their_priors(prior_scenes):
    samples = attribute_samples(PRIOR, prior_scenes)
    for name, law in {
        "camera.height": stats.norm(1.6, 0.15),
        "camera.pitch": stats.norm(0, 2),
        "camera.fov": stats.norm(80, 5),
        "camera.exposure": stats.norm(0, 0.25),
        "road.lane_width": stats.norm(3.3, 0.2),
        "road.rise": stats.norm(0, 1.5),
    }.items():
        assert stats.kstest(samples[name], law.cdf).pvalue > 0.01, name


@pytest.mark.parametrize(
    ("weather", "elevation", "strength"),
    [("clear", (48, 10), (3.6, 0.6)), ("low_sun", (18, 4), (3.6, 0.6))],
)
def test_the_light_follows_the_weather(prior_scenes, weather, elevation, strength):
    skies = [
        scene.of_class("sky")[0].attributes
        for scene in prior_scenes
        if scene.root.attributes["weather"] == weather
    ]
    for name, (mean, deviation) in (("sun_elevation", elevation), ("sun_strength", strength)):
        law = stats.norm(mean, deviation)
        assert stats.kstest([sky[name] for sky in skies], law.cdf).pvalue > 0.01, name


def test_roads_have_one_to_six_lanes_and_some_have_a_junction(prior_scenes):
    lanes = {len(scene.of_class("lane")) for scene in prior_scenes}
    assert lanes == {1, 2, 3, 4, 6}
    junctions = [scene.of_class("junction") for scene in prior_scenes]
    assert 0.15 < np.mean([len(found) for found in junctions]) < 0.3


def test_nothing_stands_in_a_junction(prior_scenes):
    for scene in prior_scenes:
        sides = {side.id for side in scene.of_class("side")}
        for junction in scene.of_class("junction"):
            middle, half = junction.attributes["along"], junction.attributes["width"] / 2
            for node in scene.nodes:
                if node.parent in sides and node.class_name not in ("scenery", "tree"):
                    reach = float(node.attributes.get("width", 0)) / 2
                    assert abs(node.attributes["along"] - middle) > half + min(reach, 1), node


def test_every_shipped_model_is_in_the_grammar_and_the_reverse():
    from blender_addon.world.models import MODELS

    for kind, models in MODELS.items():
        known = set(PRIOR.class_by_name[kind].by_name["model"].values)
        assert known <= set(models)
        if kind not in ("scenery", "person"):
            assert known == set(models), kind


def test_lanes_are_side_by_side_with_one_ego_lane_going_ahead(prior_scenes):
    for scene in prior_scenes:
        lanes = {
            n.attributes["position"]: n.attributes["direction"] for n in scene.of_class("lane")
        }
        positions = list(lanes)
        assert positions == list(range(positions[0], positions[0] + len(positions)))
        assert len(scene.of_class("lane")) == len(lanes)
        assert lanes[0] == "ahead"
        # Right-hand traffic: whatever comes towards us is left of everything that goes our way.
        oncoming = [p for p in positions if lanes[p] == "oncoming"]
        assert all(p < min(set(positions) - set(oncoming)) for p in oncoming)
        assert [n.attributes["edge"] for n in scene.of_class("side")] == ["left", "right"]


def test_cross_section_of_a_side_is_parking_then_sidewalk_then_houses(prior_scenes):
    parked = 0
    for scene in prior_scenes:
        for side in scene.of_class("side"):
            parking = side.attributes["parking_width"]
            pavement = parking + side.attributes["sidewalk_width"]
            for node in scene.children(side.id):
                across = node.attributes["across"]
                if node.class_name in ("car", "van"):
                    assert parking > 1.5 and 0 < across < parking
                    parked += 1
                elif node.class_name == "building":
                    assert across > pavement
                elif node.class_name == "tree":
                    assert across >= parking + 0.5
    assert parked > 500


def test_mutable_attributes_are_at_least_the_promised_ones():
    mutable = {
        f"{spec.name}.{attribute.name}"
        for spec in PRIOR.classes
        for attribute in spec.attributes
        if attribute.mutable
    }
    promised = {
        "sky": ("sun_azimuth", "sun_elevation", "sun_strength", "sky_strength"),
        "camera": ("height", "pitch", "yaw", "fov"),
        "road": ("lane_width", "curvature"),
        "side": ("sidewalk_width",),
        "car": ("along", "across", "yaw", "colour"),
        "van": ("along", "across", "yaw", "colour"),
        "person": ("along", "across"),
        "tree": ("along", "across", "height"),
        "building": ("along", "across"),
        "pole": ("along", "across"),
    }
    assert {f"{name}.{a}" for name, names in promised.items() for a in names} <= mutable
    for fixed in ("model", "position", "direction", "edge", "setting", "ground"):
        assert not any(name.endswith(f".{fixed}") for name in mutable)


def test_the_demos_target_differs_in_mean_and_spread_within_the_ranges(prior_scenes, target_scenes):
    prior, target = (
        attribute_samples(grammar, scenes)
        for grammar, scenes in ((PRIOR, prior_scenes), (TARGET, target_scenes))
    )
    different = [
        name
        for name in ("car.along", "car.yaw", "car.across", "camera.height", "camera.pitch",
                     "sky.sun_elevation", "sky.sun_azimuth", "sky.sun_strength", "road.lane_width")
        if stats.ttest_ind(prior[name], target[name], equal_var=False).pvalue < 1e-6
        and stats.levene(prior[name], target[name]).pvalue < 1e-3
    ]  # fmt: skip
    assert len(different) >= 8
    for name, values in target.items():
        class_name, attribute = name.split(".")
        spec = TARGET.class_by_name[class_name].by_name[attribute]
        if spec.kind == "continuous" and spec.mutable:
            at_the_ends = np.isin(values, spec.bounds).mean()
            assert at_the_ends < 0.03, name


def test_the_target_keeps_the_priors_classes_and_slots():
    def shape(grammar):
        return [
            (c.name, [(a.name, a.kind, a.range, a.values, a.mutable) for a in c.attributes])
            for c in grammar.classes
        ]

    assert shape(PRIOR) == shape(TARGET)
    assert PRIOR.render == TARGET.render
