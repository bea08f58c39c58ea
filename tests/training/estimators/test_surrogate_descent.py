"""With an exact surrogate what is read goes to the truth, and nothing else moves."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from metasim_backend.features.reader.readings import PLACES, Readings
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import SceneBatch, encode_scenes
from metasim_backend.models.distribution_transformer import DistributionTransformer
from metasim_backend.models.surrogate import PredictedReadings
from metasim_backend.training.estimators import surrogate_descent
from metasim_backend.training.estimators.evidence import READABLE, evidence
from metasim_backend.training.estimators.pull import PullSettings, prior_deviations, pull
from metasim_backend.training.estimators.reading_distances import OBJECTS, SCENE, reading_distances
from metasim_backend.training.estimators.support import SUPPORTED, take_back_unsupported
from metasim_backend.training.estimators.surrogate_descent import (
    DescentSettings,
    descend,
    predicted_distances,
    predicted_misfit,
)
from metasim_backend.training.scene_generator import SceneGenerator

SCENES = Path(__file__).parents[3] / "scenes"
NOISE = 0.05


class PitchAndDistance(nn.Module):
    """Reads the camera's pitch in the picture, and how far along the street each car is; boxes say
    nothing."""

    def __init__(self, scenes: SceneGenerator) -> None:
        super().__init__()
        encoding = scenes.encoding
        self.pitch = encoding.slot("camera", "pitch").index
        self.along = encoding.slot("car", "along").index
        names = [spec.name for spec in encoding.grammar.classes]
        self.labelled = torch.tensor([name == "car" for name in names])
        self.noise = NOISE
        self.scene_noise = NOISE**2 * torch.eye(1)
        self.object_noise = torch.eye(1 + PLACES)[None]

    def forward(self, batch, values):
        camera = batch.present[:, self.pitch]
        cars = values[batch.present[:, self.along], self.along][:, None]
        pitch = values[camera, self.pitch][:, None]
        found = torch.tensor([-30.0, 30.0]).repeat(len(cars), 1)
        cars = torch.cat([cars, torch.zeros(len(cars), PLACES)], 1)
        spreads = torch.full_like(cars, NOISE)
        return PredictedReadings(pitch, torch.ones_like(pitch), found, cars, spreads)

    def readings(self, batch, values, source):
        exact = self(batch, values)
        scene, cars = exact.scene, exact.objects
        return Readings(
            scene + self.noise * torch.randn(scene.shape, generator=source),
            cars + NOISE * torch.randn(cars.shape, generator=source),
            exact.amounts,
            batch.batch[batch.present[:, self.along]],
            torch.zeros(len(cars), 4),
        )


@pytest.fixture(scope="module")
def scenes() -> SceneGenerator:
    return SceneGenerator(load_grammar(SCENES / "driving.yaml", assets=()), seed=3)


def test_read_attributes_are_found_and_others_stay(scenes: SceneGenerator):
    encoding, transformer = scenes.encoding, scenes.transformer
    encoded = encode_scenes(encoding, [sample_scene(encoding.grammar, i) for i in range(250)])
    whole = encoded.batch(torch.arange(len(encoded)))
    transformer.fit_prior(whole)
    with torch.no_grad():
        transformer.head.weight.mul_(0.1)
    surrogate = PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(1)
    # The truth: the camera looks down by two deviations, cars are nearer and less scattered.
    values = whole.values.clone()
    pitch, along = surrogate.pitch, surrogate.along
    values[:, pitch] -= 2 * transformer.scale[pitch]
    values[:, along] = 0.25 + 0.4 * (values[:, along] - transformer.centre[along])
    target = surrogate.readings(whole, values, source)
    reference = surrogate.readings(whole, whole.values, source)
    distances = reading_distances(target, reference, source)
    before = distances.of(reference)

    descend(
        transformer,
        surrogate,
        encoded,
        distances,
        PullSettings(),
        DescentSettings(steps=120, batch=48, learning_rate=3e-2),
        seed=0,
        turn=0,
    )
    with torch.no_grad():
        learned = transformer(whole).rsample(source)
    after = distances.of(surrogate.readings(whole, learned, source))
    assert after[None] < 0.05 * before[None] and after[0] < 0.1 * before[0]
    chosen = whole.present & whole.mutable
    for slot in transformer.numeric:
        if encoding.slots[slot].kind != "continuous" or chosen[:, slot].sum() < 100:
            continue
        was, now = whole.values[chosen[:, slot], slot], learned[chosen[:, slot], slot]
        scale = float(transformer.scale[slot])
        name = encoding.slots[slot].name
        if slot in (pitch, along):
            wanted = values[chosen[:, slot], slot]
            assert float(now.mean()) == pytest.approx(float(wanted.mean()), abs=0.15 * scale), name
            assert float(now.std()) == pytest.approx(float(wanted.std()), rel=0.25), name
        else:
            assert float(now.mean()) == pytest.approx(float(was.mean()), abs=0.1 * scale), name
            assert float(now.std()) == pytest.approx(float(was.std()), rel=0.15), name


def test_near_the_target_a_deviation_hidden_in_noise_is_found_and_nodes_change_alike(scenes):
    """The truth's deviation is a third of the prior's, and half of the noise."""
    encoding, transformer = scenes.encoding, deepcopy(scenes.transformer)
    encoded = encode_scenes(encoding, [sample_scene(encoding.grammar, i) for i in range(400)])
    whole = encoded.batch(torch.arange(len(encoded)))
    transformer.fit_prior(whole)
    with torch.no_grad():
        transformer.head.weight.zero_()
        transformer.head.bias.zero_()
    surrogate = PitchAndDistance(scenes)
    pitch, source = surrogate.pitch, torch.Generator().manual_seed(1)
    there = whole.present[:, pitch]
    prior = float(whole.values[there, pitch].std())
    surrogate.noise = 2 * prior / 3
    surrogate.scene_noise = surrogate.noise**2 * torch.eye(1)
    values = whole.values.clone()
    middle = values[there, pitch].mean()
    values[:, pitch] = middle + (values[:, pitch] - middle) / 3
    target = surrogate.readings(whole, values, source)
    distances = reading_distances(target, surrogate.readings(whole, values, source), source)
    before = transformer.head.weight.clone()

    def deviation(near: bool) -> float:
        one = deepcopy(transformer)
        descend(
            one,
            surrogate,
            encoded,
            distances,
            PullSettings(),
            DescentSettings(
                steps=100, batch=48, learning_rate=3e-2, trust=SCENE, near=near, context=0.0
            ),
            seed=0,
            turn=0,
        )
        assert torch.equal(one.head.weight, before)
        with torch.no_grad():
            return float(one(whole).rsample(source)[there, pitch].std()) / prior

    assert deviation(near=True) == pytest.approx(1 / 3, abs=0.12)
    assert deviation(near=False) > deviation(near=True) + 0.05


def test_a_fixed_attribute_stays_while_another_is_found(scenes: SceneGenerator):
    encoding, transformer = scenes.encoding, scenes.transformer
    encoded = encode_scenes(encoding, scenes.prior(range(150)))
    whole = encoded.batch(torch.arange(len(encoded)))
    surrogate = PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(1)
    values = whole.values.clone()
    pitch, along = surrogate.pitch, surrogate.along
    values[:, pitch] -= 2 * transformer.scale[pitch]
    values[:, along] -= 0.2
    distances = reading_distances(
        surrogate.readings(whole, values, source),
        surrogate.readings(whole, whole.values, source),
        source,
    )
    settings = DescentSettings(steps=40, batch=48, learning_rate=3e-2, fixed=(along,))
    descend(transformer, surrogate, encoded, distances, PullSettings(), settings, seed=0, turn=0)
    with torch.no_grad():
        changes = transformer.changes(whole)
    place = transformer.numeric.index(along)
    assert float(changes.shift[:, place].abs().max()) == 0.0
    assert float(changes.gain[:, place].abs().max()) == 0.0
    chosen = (whole.present & whole.mutable)[:, pitch]
    assert float(changes.shift[chosen, transformer.numeric.index(pitch)].mean()) < -1


def sampled(scenes: SceneGenerator, count: int) -> SceneBatch:
    """So many scenes of the prior as one graph."""
    drawn = [sample_scene(scenes.encoding.grammar, seed) for seed in range(count)]
    return encode_scenes(scenes.encoding, drawn).batch(torch.arange(count))


def test_what_is_found_where_nothing_stands_is_expected_as_it_was_found(scenes: SceneGenerator):
    """Half of what is found are reflections; without them the prior would not be like itself."""
    whole, surrogate = sampled(scenes, 150), PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(3)
    cars = surrogate.readings(whole, whole.values, source)
    count = len(cars.objects)
    reflections = 2 + NOISE * torch.randn(count, 1 + PLACES, generator=source)
    found = Readings(
        cars.scene,
        torch.cat([cars.objects, reflections]),
        torch.ones(2 * count, 1),
        torch.cat([cars.pictures, cars.pictures]),
        torch.zeros(2 * count, 4),
        torch.cat([torch.zeros(count), torch.full((count,), -1)]).long(),
    )
    with torch.no_grad():
        distances = reading_distances(found, found, source)
        told = predicted_distances(surrogate, whole, whole.values, distances)
        blind = reading_distances(found, cars, source)
        untold = predicted_distances(surrogate, whole, whole.values, blind)
    assert float(told[0]) < 0.01 and float(untold[0]) > 0.2


class OutOfSight(PitchAndDistance):
    """Cars beyond nine tenths of the range are not found."""

    def forward(self, batch, values):
        predicted = super().forward(batch, values)
        found = 200 * (0.9 - predicted.objects[:, :1])
        outcomes = torch.cat([torch.zeros_like(found), found], 1)
        return replace(predicted, outcomes=outcomes)


def test_objects_are_not_moved_out_of_sight_to_be_rid_of_them(scenes: SceneGenerator):
    """What is found where nothing stands is strewn as the target is. It must not explain the
    target alone, where cars that fit badly are out of sight."""
    whole, surrogate = sampled(scenes, 60), OutOfSight(scenes)
    source = torch.Generator().manual_seed(4)
    cars = whole.present[:, surrogate.along]
    values = whole.values.clone()
    values[cars, surrogate.along] = 0.2 + 0.2 * values[cars, surrogate.along]
    target = surrogate.readings(whole, values, source)
    owners = torch.where(target.pictures % 10 == 0, -1, 0)
    distances = reading_distances(target, replace(target, owners=owners), source)

    def misfit(place: float) -> float:
        moved = values.clone()
        moved[cars, surrogate.along] = place
        return float(predicted_misfit(surrogate, whole, moved, distances, OBJECTS))

    assert misfit(0.99) > misfit(0.6) + 50
    assert misfit(0.6) > misfit(0.3) + 50


def test_the_number_of_objects_counts_as_a_normal_error_of_its_logarithm(scenes, monkeypatch):
    """With twice the cars in as many pictures of the same kind."""
    whole, surrogate = sampled(scenes, 60), PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(4)
    once = surrogate.readings(whole, whole.values, source)
    twice = replace(
        once,
        objects=torch.cat([once.objects] * 2),
        shares=torch.cat([once.shares] * 2),
        pictures=torch.cat([once.pictures] * 2),
        boxes=torch.cat([once.boxes] * 2),
    )
    distances = reading_distances(twice, once, source)

    def misfit() -> float:
        return float(predicted_misfit(surrogate, whole, whole.values, distances, OBJECTS))

    told = misfit()
    monkeypatch.setattr(surrogate_descent, "COUNT_ERROR", 1e6)
    expected = math.log(2) ** 2 / (2 * (2 / len(twice.objects) + 0.1**2))
    assert told - misfit() == pytest.approx(expected, rel=1e-3)


def test_readings_of_the_scene_move_no_object_and_the_other_way_round(scenes: SceneGenerator):
    whole, surrogate = sampled(scenes, 30), PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(4)
    prior = surrogate.readings(whole, whole.values, source)
    moved = whole.values - 0.1 * whole.present
    target = surrogate.readings(whole, moved, source)
    distances = reading_distances(target, prior, source)
    values = whole.values.clone().requires_grad_()
    by_scene, by_objects = (
        torch.autograd.grad(predicted_misfit(surrogate, whole, values, distances, part), values)[0]
        for part in (SCENE, OBJECTS)
    )
    of_object = surrogate.labelled[whole.node_class]
    assert by_scene[of_object].abs().max() == 0 < by_scene.abs().max()
    assert by_objects[~of_object].abs().max() == 0 < by_objects.abs().max()


def test_evidence_is_there_for_what_is_read_and_nothing_else(scenes: SceneGenerator):
    """For a mean that is moved by one deviation of the readings it is about N / 2."""
    encoding = scenes.encoding
    encoded = encode_scenes(encoding, [sample_scene(encoding.grammar, i) for i in range(120)])
    whole = encoded.batch(torch.arange(len(encoded)))
    scenes.transformer.fit_prior(whole)
    surrogate = PitchAndDistance(scenes)
    source = torch.Generator().manual_seed(2)
    prior = surrogate.readings(whole, whole.values, source)
    distances = reading_distances(prior, prior, source)
    found = evidence(scenes.transformer, surrogate, whole, distances)
    read = {name for name, nats in found.items() if nats > READABLE}
    assert read == {"camera.pitch", "car.along"}
    assert max(nats for name, nats in found.items() if name not in read) < 1e-3
    deviation = float(scenes.transformer.scale[surrogate.pitch])
    share = deviation**2 / (deviation**2 + NOISE**2)
    assert found["camera.pitch"] == pytest.approx(len(encoded) / 2 * share, rel=0.3)


def test_the_pull_is_a_student_t_prior_on_shift_and_ratio(scenes: SceneGenerator):
    """All nodes moved alike by a shift m cost c log(1 + (m / τ)²) for each slot, m in the prior's
    own deviations: a camera's pitch has twice the scale's here."""
    encoded = encode_scenes(scenes.encoding, [sample_scene(scenes.encoding.grammar, 5)])
    batch = encoded.batch(torch.tensor([0]))
    transformer = DistributionTransformer(scenes.encoding)
    settings = PullSettings(strength=3.0, shift=0.5)
    place = transformer.numeric.index(scenes.encoding.slot("camera", "pitch").index)
    deviations = transformer.scale[transformer.numeric].clone()
    deviations[place] *= 2
    with torch.no_grad():
        transformer.head.weight.zero_()

        def cost() -> float:
            changes = transformer.changes(batch)
            return float(pull(transformer, batch, changes, deviations, settings))

        unmoved = cost()
        transformer.head.bias[len(transformer.numeric) + place] = 2.0
        moved = cost()
    expected = 3.0 * torch.log1p(torch.tensor(4.0))
    assert moved - unmoved == pytest.approx(float(expected), rel=1e-4)


def test_a_slots_deviation_is_its_own_however_narrow(scenes: SceneGenerator):
    """A lorry's yaw has a deviation of two degrees, far below the least scale of a step."""
    encoded = encode_scenes(
        scenes.encoding, [sample_scene(scenes.encoding.grammar, seed) for seed in range(150)]
    )
    transformer = DistributionTransformer(scenes.encoding)
    transformer.fit_prior(encoded.batch(torch.arange(len(encoded))))
    deviations = prior_deviations(transformer, encoded)
    for name, expected in (("yaw", 2 / 360), ("across", None)):
        slot = scenes.encoding.slot("truck", name).index
        of_trucks = encoded.values[encoded.present[:, slot], slot]
        place = transformer.numeric.index(slot)
        wrapped = of_trucks - of_trucks.round() if name == "yaw" else of_trucks
        assert float(deviations[place]) == pytest.approx(float(wrapped.std(correction=0)), rel=0.01)
        if expected:
            assert float(deviations[place]) == pytest.approx(expected, rel=0.5)
            assert float(transformer.scale[slot]) > 3 * float(deviations[place])


def test_changes_that_nothing_speaks_for_are_taken_back(scenes: SceneGenerator):
    """The truth has another pitch. The generator has found it, and moved the sun's elevation too,
    which is not read."""
    encoding = scenes.encoding
    whole, surrogate = sampled(scenes, 150), PitchAndDistance(scenes)
    transformer = DistributionTransformer(encoding)
    transformer.fit_prior(whole)
    source = torch.Generator().manual_seed(6)
    values = whole.values.clone()
    values[:, surrogate.pitch] -= 2 * transformer.scale[surrogate.pitch]
    distances = reading_distances(
        surrogate.readings(whole, values, source),
        surrogate.readings(whole, whole.values, source),
        source,
    )
    elevation = encoding.slot("sky", "sun_elevation").index
    with torch.no_grad():
        transformer.head.weight.zero_()
    transformer.move_all(surrogate.pitch, -2 * float(transformer.scale[surrogate.pitch]))
    transformer.move_all(elevation, float(transformer.scale[elevation]))
    support = take_back_unsupported(transformer, surrogate, whole, distances, SCENE, source)
    kept = {name for name, nats in support.items() if nats >= SUPPORTED}
    assert kept == {"camera.pitch"} and support["camera.pitch"] > 50
    with torch.no_grad():
        learned = transformer(whole).mean
    camera, sky = (whole.present[:, slot] for slot in (surrogate.pitch, elevation))
    moved = learned[camera, surrogate.pitch] - whole.values[camera, surrogate.pitch]
    assert float(moved.mean()) == pytest.approx(
        -2 * float(transformer.scale[surrogate.pitch]), rel=1e-3
    )
    assert torch.allclose(learned[sky, elevation], whole.values[sky, elevation], atol=1e-6)


def test_what_chance_makes_of_a_likelihood_is_about_one_for_each_dimension():
    source = torch.Generator().manual_seed(0)
    found = []
    for _ in range(30):
        readings = Readings(
            torch.randn(200, 3, generator=source),
            torch.zeros(0, 2),
            torch.zeros(0, 1),
            torch.zeros(0, dtype=torch.long),
            torch.zeros(0, 4),
        )
        distances = reading_distances(readings, readings, source)
        exact = distances.scene.smoothed(torch.zeros(1, 3), torch.ones(1), torch.eye(3))
        found.append(float(distances.likelihood({None: exact})))
    assert distances.by_chance() == pytest.approx(3)
    assert sum(found) / len(found) == pytest.approx(distances.by_chance(), rel=0.15)
