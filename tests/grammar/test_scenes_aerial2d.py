"""The shipped Aerial2D grammars and their hidden targets say what they promise."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from blender_addon.contract.frames import RenderSettings
from metasim_backend.grammar import (
    attribute_samples,
    check_scene,
    failed_conditions,
    load_grammar,
    sample_scene,
)
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.worlds.aerial_sprites import ROAD_WIDTH, AerialWorld

SCENES = Path(__file__).resolve().parents[2] / "scenes"
NAMES = ("aerial2d", "aerial2d_target", "aerial2d_spread", "aerial2d_spread_target")
GRAMMARS = {name: load_grammar(SCENES / f"{name}.yaml") for name in NAMES}
PAIRS = [("aerial2d", "aerial2d_target"), ("aerial2d_spread", "aerial2d_spread_target")]
SIX = {  # the six things, some with two numbers
    "road.angle", "car.yaw", "car.along", "car.across", "tree.along", "tree.across",
    "house.along", "house.across", "house.size",
}  # fmt: skip


@pytest.fixture(scope="module")
def scenes():
    return {
        name: [sample_scene(grammar, seed) for seed in range(250)]
        for name, grammar in GRAMMARS.items()
    }


@pytest.fixture(scope="module")
def samples(scenes):
    return {name: attribute_samples(GRAMMARS[name], scenes[name]) for name in NAMES}


def cars(some, lane, attribute):
    return np.array(
        [
            car.attributes[attribute]
            for scene in some
            for car in scene.of_class("car")
            if car.attributes["lane"] == lane
        ]
    )


def test_every_scene_fits_its_grammar_and_meets_every_condition(scenes):
    for name, grammar in GRAMMARS.items():
        assert grammar.domain == "aerial2d" and grammar.render.engine == "aerial2d"
        assert (grammar.render.width, grammar.render.height) == (64, 64)
        for scene in scenes[name]:
            check_scene(grammar, scene)
            assert failed_conditions(grammar.conditions, scene) == ()
            lanes = [car.attributes["lane"] for car in scene.of_class("car")]
            assert lanes == ["left", "right"]


@pytest.mark.parametrize("prior,target", PAIRS)
def test_a_target_differs_from_its_prior_only_in_what_may_be_learned(prior, target):
    first, second = GRAMMARS[prior], GRAMMARS[target]
    learned = set()
    for spec, other in zip(first.classes, second.classes, strict=True):
        for own, its in zip(spec.attributes, other.attributes, strict=True):
            assert (own.name, own.kind, own.bounds, own.mutable) == (
                (its.name, its.kind, its.bounds, its.mutable)
            )
            if own.mutable:
                learned.add(f"{spec.name}.{own.name}")
            else:
                assert own.prior == its.prior, (spec.name, own.name)
    for rule, other in zip(first.rules, second.rules, strict=True):
        assert (rule.name, rule.symbol, rule.probability, rule.sets) == (
            (other.name, other.symbol, other.probability, other.sets)
        )
        for item, its in zip(rule.items, other.items, strict=True):
            assert (item.class_name, item.counts) == (its.class_name, its.counts)
            changed = set(dict(item.sets).items()) ^ set(dict(its.sets).items())
            assert all(f"{item.class_name}.{name}" in learned for name, _ in changed)
    assert learned == ({"car.along", "car.across", "car.yaw"} if prior == "aerial2d" else SIX)
    assert (first.conditions, first.render) == (second.conditions, second.render)


def test_target_cars_keep_to_their_lanes_and_prior_cars_do_not(scenes):
    def in_lane(name):
        """Share of cars wholly between the road's middle and its edge, and within 15 degrees."""
        found = []
        for scene in scenes[name]:
            for car in scene.of_class("car"):
                values = car.attributes
                side = values["across"] * (1 if values["lane"] == "right" else -1)
                yaw = (values["yaw"] + 180) % 360 - 180
                half = values["size"] / 2
                found.append(abs(side - ROAD_WIDTH / 4) < ROAD_WIDTH / 4 - half + 0.02)
                found[-1] &= abs(yaw) < 15
        return np.mean(found)

    assert in_lane("aerial2d_target") > 0.95
    assert in_lane("aerial2d") < 0.02


def test_what_is_not_learned_is_the_same_in_prior_and_target(samples):
    for prior, target in PAIRS:
        for name, values in samples[prior].items():
            class_name, attribute = name.split(".")
            spec = GRAMMARS[prior].class_by_name[class_name].by_name[attribute]
            if spec.mutable or spec.kind == "categorical":
                continue
            assert stats.ks_2samp(values, samples[target][name]).pvalue > 1e-3, name


def test_the_spread_world_s_attributes_are_normal_with_other_means_and_spreads(scenes, samples):
    prior, target = (samples[name] for name in PAIRS[1])
    for name in sorted(SIX):
        for lane in ("left", "right") if name.startswith("car.") else (None,):
            both = []
            for world, own in zip(PAIRS[1], (prior, target), strict=True):
                values = own[name]
                if lane is not None:
                    values = cars(scenes[world], lane, name.split(".")[1])
                    if name == "car.yaw":
                        values = (values + 180) % 360 - 180
                assert stats.shapiro(values).pvalue > 1e-4, (world, name)
                both.append((values.mean(), values.std()))
            (mean, spread), (other, its) = both
            assert abs(other - mean) > min(spread, its), name
            assert 0.45 < its / spread < 2.2 and not 0.9 < its / spread < 1.1, name


@pytest.mark.parametrize("name", NAMES)
def test_things_stand_in_the_picture_and_are_seen(scenes, name):
    some = scenes[name][:80]
    settings = [RenderSettings(64, 64, engine="aerial2d")] * len(some)
    labels = [
        label
        for frame in SpriteRenderer(AerialWorld()).render(some, settings)
        for label in frame.labels
    ]
    shown = {
        kind: np.array(
            [
                label.visibility * (1 - label.truncation)
                for label in labels
                if label.class_name == kind
            ]
        )
        for kind in ("car", "house", "tree")
    }
    for kind, part in shown.items():
        # The prior's cars stand at the picture's edge.
        at_edge = name == "aerial2d" and kind == "car"
        assert np.median(part) > (0.8 if at_edge else 0.9), kind
        assert (part > 0.5).mean() > (0.75 if at_edge else 0.93), (
            kind, (part > 0.5).mean()
        )  # fmt: skip
    if name != "aerial2d":
        assert (shown["car"] > 0.8).mean() > 0.9
