"""Whole runs that learn structure: how many digits there are, and which, from pictures alone."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from synthetic_digits import synthetic_digits

from blender_addon.contract.frames import RenderSettings
from metasim_backend.datasets.readers.mnist import Digits
from metasim_backend.grammar import grammar_from_dict, sample_scene, with_overrides
from metasim_backend.rendering.sprites import SpriteRenderer
from metasim_backend.run_files.metrics import read_metrics
from metasim_backend.run_files.run_folder import RunFolder, RunFolderError
from metasim_backend.settings import SettingsError, TrainSettings, settings_from_dict
from metasim_backend.training.dataset_generation import fingerprint
from metasim_backend.training.evaluation import pictures
from metasim_backend.training.loop import train
from metasim_backend.training.run_config import RunConfig, load_generator, resolve_settings
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.structure_draws import draw_scenes
from metasim_backend.training.target import Target
from metasim_backend.worlds.mnist_sprites import MnistWorld

SIZE = 32
KINDS = ("zero", "one", "two")
COUNTS = {1: 0.25, 2: 0.25, 3: 0.25, 4: 0.25}
TARGET_COUNTS = {1: 0.05, 2: 0.65, 3: 0.05, 4: 0.25}
TARGET_KINDS = (0.7, 0.3, 0.0)
GRAMMAR = {
    "domain": "mnist",
    "start": "canvas",
    "classes": {
        "canvas": {},
        "digit": {
            "attributes": {
                "label": {
                    "kind": "categorical",
                    "values": list(KINDS),
                    "prior": {"constant": "zero"},
                },
                "image": {"kind": "integer", "range": [0, 9], "prior": {"uniform": [0, 9]}},
                "across": {
                    "kind": "continuous",
                    "range": [-16, 16],
                    "prior": {"uniform": [-10, 10]},
                },
                "along": {
                    "kind": "continuous",
                    "range": [-16, 16],
                    "prior": {"uniform": [-10, 10]},
                },
                "size": {
                    "kind": "continuous",
                    "range": [0.2, 1],
                    "mutable": True,
                    "prior": {"normal": [0.45, 0.01]},
                },
            }
        },
    },
    "rules": [
        {"name": "digits", "expand": "canvas", "into": [{"class": "digit", "count": COUNTS}]},
        *(
            {
                "name": kind,
                "expand": "digit",
                "probability": 1 / 3,
                "set": {"label": kind},
                "into": [],
            }
            for kind in KINDS
        ),
    ],
    "require": [{"no_overlap": ["digit"], "length": 8, "width": 8}],
    "render": {"width": SIZE, "height": SIZE, "engine": "mnist"},
}
SETTINGS = {
    "seed": 1,
    "phases": ["structure"],
    "rendering": {"width": SIZE, "height": SIZE, "engine": "mnist"},
    "features": {"scenes": 48, "epochs": 2},
    "pretrain": {"steps": 5, "scenes": 20},
    "match": {"steps": 4, "batch": 4, "report_every": 0},
    "structure": {
        "pretrain_steps": 30,
        "pretrain_batch": 64,
        "steps": 4,
        "batch": 24,
        "feature_scenes": 64,
        "feature_epochs": 2,
        "hidden": 24,
        "longest": 12,
    },
    "evaluation": {"scenes": 12, "pictures": 2, "followed": 2},
}
SHAPE = RenderSettings(SIZE, SIZE, engine="mnist")


class Run(NamedTuple):
    folder: RunFolder
    settings: TrainSettings
    state: State


class Interrupted(Exception):
    pass


class Renderer(SpriteRenderer):
    """Stops working after a number of calls, as an interrupted run does."""

    def __init__(self, calls=10**9):
        # One sample a kind, so that few pictures are enough to learn what they look like.
        whole = synthetic_digits(10)
        super().__init__(MnistWorld(Digits(whole.images[:3], whole.labels[:3])))
        self.calls = calls

    def _count(self):
        self.calls -= 1
        if self.calls < 0:
            raise Interrupted

    def render(self, *arguments, **options):
        self._count()
        return super().render(*arguments, **options)

    def images(self, *arguments, **options):
        self._count()
        return super().images(*arguments, **options)

    def differentiable(self, *arguments, **options):
        self._count()
        return super().differentiable(*arguments, **options)


def grammar():
    return grammar_from_dict(GRAMMAR)


def target(count=60) -> Target:
    rules = [{"name": "digits", "into": [{"class": "digit", "count": TARGET_COUNTS}]}]
    rules += [
        {"name": kind, "probability": share}
        for kind, share in zip(KINDS, TARGET_KINDS, strict=True)
    ]
    hidden = with_overrides(grammar(), {"rules": rules})
    images = pictures(Renderer(), SHAPE, [sample_scene(hidden, 1000 + i) for i in range(count)])
    return Target(images[: count - 20], images[count - 20 :])


def run_in(folder: Path, calls=10**9, resume=False, count=60, **changes) -> Run:
    made = RunFolder.open(folder) if resume else RunFolder.create(folder, {"settings": {}})
    settings = settings_from_dict(SETTINGS | changes)
    services = Services(made, grammar(), settings, target(count), Renderer(calls), quiet=True)
    return Run(made, settings, train(services))


def state(run: Run) -> dict:
    return {
        **run.state.scenes.transformer.state_dict(),
        **{f"structure.{k}": v for k, v in run.state.structure.state_dict().items()},
    }


def assert_the_same(first: Run, second: Run) -> None:
    before, after = state(first), state(second)
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name
    assert first.state.structure_baseline == second.state.structure_baseline
    keys = [(m["phase"], m["step"]) for m in read_metrics(first.folder.metrics)]
    assert keys == [(m["phase"], m["step"]) for m in read_metrics(second.folder.metrics)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("runs") / "whole")


# Calls to the renderer: 1 for the count network's scenes, 1 a step, 2 for the report.
@pytest.mark.parametrize("calls", [0, 1, 3, 5])
def test_an_interrupted_and_resumed_structure_phase_is_the_same_bit_for_bit(whole, tmp_path, calls):
    with pytest.raises(Interrupted):
        run_in(tmp_path / "cut", calls)
    assert_the_same(whole, run_in(tmp_path / "cut", resume=True))


TURNS = {
    "phases": ["pretrain", "structure", "match"],
    "features": SETTINGS["features"] | {"rounds": 2},
}


@pytest.fixture(scope="module")
def turns(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("runs") / "turns", **TURNS)


def test_structure_and_matching_take_turns(turns):
    order = [m["phase"] for m in read_metrics(turns.folder.metrics) if m["phase"] != "pretrain"]
    assert order == [
        *["structure_pretrain"] * 30,
        *["structure"] * 2,
        *["match"] * 2,
        *["structure"] * 2,
        *["match"] * 2,
    ]
    assert turns.state.scenes.structure is turns.state.structure
    assert turns.state.scenes.changes_attributes


# 1 feature scenes, 1 count scenes, 2 + 2 steps, 1 feature scenes, 2 + 2 steps, 2 for the report.
@pytest.mark.parametrize("calls", [1, 3, 5, 6, 7, 8, 9, 11])
def test_turns_are_resumed_bit_for_bit_too(turns, tmp_path, calls):
    with pytest.raises(Interrupted):
        run_in(tmp_path / "cut", calls, **TURNS)
    assert_the_same(turns, run_in(tmp_path / "cut", resume=True, **TURNS))


MATCH_FIRST = TURNS | {
    "phases": ["pretrain", "match", "structure"],
    "structure": SETTINGS["structure"] | {"picture_weight": 0.5},  # in the first round's φ
}


@pytest.fixture(scope="module")
def match_first(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("runs") / "match_first", **MATCH_FIRST)


def test_turns_are_taken_in_the_order_in_which_they_are_named(match_first):
    order = [m["phase"] for m in read_metrics(match_first.folder.metrics)]
    assert order[-38:] == [
        *["match"] * 2,
        *["structure_pretrain"] * 30,
        *["structure"] * 2,
        *["match"] * 2,
        *["structure"] * 2,
    ]


# 1 feature scenes, 2 steps, 1 count scenes, 2 steps, 1 feature scenes, 2 + 2 steps.
@pytest.mark.parametrize("calls", [2, 4, 5, 6, 8, 9])
def test_turns_that_begin_with_matching_are_resumed_bit_for_bit(match_first, tmp_path, calls):
    with pytest.raises(Interrupted):
        run_in(tmp_path / "cut", calls, **MATCH_FIRST)
    assert_the_same(match_first, run_in(tmp_path / "cut", resume=True, **MATCH_FIRST))


def test_the_generator_is_read_back_as_it_was_after_a_phase(match_first):
    config = RunConfig(grammar(), match_first.settings, None, None)
    seeds = list(range(20))
    now = load_generator(match_first.folder, config)
    assert now.learned(seeds) == match_first.state.scenes.learned(seeds)
    before = load_generator(match_first.folder, config, after="match")
    for name, value in before.transformer.state_dict().items():
        assert torch.equal(value, now.transformer.state_dict()[name]), name
    weights = [scenes.structure.head.weight for scenes in (before, now)]
    assert not torch.equal(*weights)  # structure has had one turn more
    with pytest.raises(RunFolderError, match="not come to the end of 'task'"):
        load_generator(match_first.folder, config, after="task")


def test_the_learned_structure_is_read_back_with_the_run(whole):
    config = RunConfig(grammar(), whole.settings, None, None)
    read = load_generator(whole.folder, config)
    seeds = list(range(20))
    assert read.learned(seeds) == whole.state.scenes.learned(seeds)
    assert read.learned(seeds) != read.prior(seeds)
    assert read.learned(seeds[7:8]) == read.learned(seeds)[7:8]
    assert not read.changes_attributes  # only structure was learned
    assert fingerprint(read) == fingerprint(whole.state.scenes)
    read.structure = None
    assert fingerprint(read) != fingerprint(whole.state.scenes)


def test_a_run_leaves_how_many_things_there_are_before_and_after(whole):
    found = whole.folder.read_json("structure.json")
    assert list(found["classes"]) == ["digit"]
    for name in ("prior", "learned"):
        shares = found["classes"]["digit"][name]
        assert len(shares) == 5 and shares[0] == 0 and sum(shares) == pytest.approx(1)
    prior = found["classes"]["digit"]["prior"][1:]
    assert total_variation(prior, list(COUNTS.values())) < 0.08
    for shares in found["read"].values():
        assert set(shares) == {"prior", "learned", "target"}
        assert all(sum(own) == pytest.approx(1) for own in shares.values())
    assert whole.folder.read_json("summary.json")["switched_on"]["structure"] == "density"
    readings = whole.folder.read_json("structure_readings.json")
    assert set(readings) == {*KINDS, "all"}


def test_wrong_settings_are_said_in_a_sentence():
    for override, match in (
        ("structure.reward=score", "choose from density, mmd"),
        ("structure.baseline=none", "choose from leave_one_out"),
        ("structure.features=inception", "choose from counts, match"),
        ("structure.parts=all", "choose from joint, pairs"),
        ("structure.readings=some", "choose from all, labelled"),
        ("structure.batch=2", "at least 3"),
        ("structure.features=match", "set structure.parts=joint"),
    ):
        with pytest.raises(SettingsError, match=match):
            resolve_settings(grammar(), ["phases=structure,match", override])
    fixed = with_overrides(
        grammar(),
        {
            "rules": [
                {"name": "digits", "into": ["digit"]},
                {"name": "zero", "probability": 1},
                {"name": "one", "probability": 0},
                {"name": "two", "probability": 0},
            ]
        },
    )
    assert resolve_settings(fixed).phases == ("pretrain", "match", "task")
    with pytest.raises(SettingsError, match="same structure in every scene"):
        resolve_settings(fixed, ["phases=structure,match"])


def histograms(run: Run, count=2000):
    scenes = draw_scenes(grammar(), run.state.structure, range(count)).scenes
    digits = [scene.of_class("digit") for scene in scenes]
    number = np.bincount([len(own) for own in digits], minlength=5)[1:] / count
    kinds = [KINDS.index(d.attributes["label"]) for own in digits for d in own]
    return number, np.bincount(kinds, minlength=3) / len(kinds)


def total_variation(p, q):
    return 0.5 * np.abs(np.asarray(p) - np.asarray(q)).sum()


@pytest.mark.slow
@pytest.mark.parametrize("reward", ["density", "mmd"])
def test_counts_and_kinds_of_the_target_are_learned_from_pictures(tmp_path, reward):
    """Prior: as many of each; the target's numbers are 0.40 and its kinds 0.33 away."""
    run = run_in(
        tmp_path / "run",
        count=620,
        structure={
            "pretrain_steps": 150,
            "pretrain_batch": 128,
            "steps": 60,
            "batch": 200,
            "feature_scenes": 1500,
            "feature_epochs": 8,
            "hidden": 32,
            "longest": 12,
            "reward": reward,
        },
    )
    number, kinds = histograms(run)
    wanted = list(TARGET_COUNTS.values())
    assert total_variation(list(COUNTS.values()), wanted) == pytest.approx(0.40)
    limits = (0.10, 0.08) if reward == "density" else (0.30, 0.20)
    print(reward, total_variation(number, wanted), total_variation(kinds, TARGET_KINDS))
    assert total_variation(number, wanted) < limits[0]
    assert total_variation(kinds, TARGET_KINDS) < limits[1]
