"""A whole run in the blob world: it learns, and an interruption changes nothing."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from blob_world import GRAMMAR, SIZE, BlobRenderer

from blender_addon.contract.frames import RenderSettings
from metasim_backend.datasets.readers.labelled import LabelledImage
from metasim_backend.grammar import (
    attribute_samples,
    grammar_from_dict,
    sample_scene,
    with_overrides,
)
from metasim_backend.run_files.metrics import read_metrics
from metasim_backend.run_files.run_folder import RunFolder
from metasim_backend.settings import settings_from_dict
from metasim_backend.training.loop import train
from metasim_backend.training.services import Services
from metasim_backend.training.state import State
from metasim_backend.training.target import Target

SETTINGS = {
    "seed": 3,
    "phases": ["pretrain", "match"],
    "rendering": {"width": SIZE, "height": SIZE},
    "features": {"network": "prior", "scenes": 64, "epochs": 4},
    "pretrain": {"steps": 30, "scenes": 40},
    "match": {"steps": 6, "batch": 6, "report_every": 3},
    "evaluation": {"scenes": 12, "pictures": 2},
}


class Run(NamedTuple):
    folder: RunFolder
    state: State


class Interrupted(Exception):
    pass


class FailingRenderer(BlobRenderer):
    """Stops working after a number of calls, as an interrupted run does."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def _count(self):
        self.calls -= 1
        if self.calls < 0:
            raise Interrupted

    def render(self, scenes, settings, progress=None):
        self._count()
        return super().render(scenes, settings, progress)

    def differences(self, *arguments, **options):
        self._count()
        return super().differences(*arguments, **options)


def target(count=40, labelled=False) -> Target:
    hidden = with_overrides(
        grammar_from_dict(GRAMMAR),
        {"classes": {"field": {"attributes": {"light": {"prior": {"normal": [0.9, 0.02]}}}}}},
    )
    scenes = [sample_scene(hidden, 1000 + i) for i in range(count)]
    frames = BlobRenderer().render(scenes, [RenderSettings(SIZE, SIZE)] * count)
    images = torch.from_numpy(np.stack([np.rint(f.image * 255) for f in frames]))
    images = images.permute(0, 3, 1, 2).to(torch.uint8)
    validation = None
    if labelled:
        validation = [
            LabelledImage(
                np.rint(f.image * 255).astype(np.uint8),
                np.array([label.visible_box for label in f.labels], np.float32),
                ("car",) * len(f.labels),
                np.zeros(len(f.labels), bool),
                (None,) * len(f.labels),
            )
            for f in frames[:4]
        ]
    return Target(
        images[: count // 2], images[count // 2 :], validation, attribute_samples(hidden, scenes)
    )


def run_in(folder: Path, renderer=None, settings=None, resume=False, labelled=False) -> Run:
    made = RunFolder.open(folder) if resume else RunFolder.create(folder, {"settings": {}})
    services = Services(
        made,
        grammar_from_dict(GRAMMAR),
        settings_from_dict(SETTINGS | (settings or {})),
        target(labelled=labelled),
        renderer or BlobRenderer(),
        quiet=True,
    )
    return Run(made, train(services))


def parameters(run: Run) -> dict:
    return run.state.scenes.transformer.state_dict()


def assert_equal_states(first: dict, second: dict) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def interrupted_and_resumed(folder, calls, **options) -> Run:
    with pytest.raises(Interrupted):
        run_in(folder, FailingRenderer(calls), **options)
    return run_in(folder, resume=True, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_in(tmp_path_factory.mktemp("runs") / "whole")


# Calls to the renderer: 1 for the features, 2 a matching step, 1 a picture of progress.
@pytest.mark.parametrize("calls", [0, 1, 4, 8, 10])
def test_an_interrupted_and_resumed_run_has_the_same_parameters_bit_for_bit(whole, tmp_path, calls):
    resumed = interrupted_and_resumed(tmp_path / "cut", calls)
    assert_equal_states(parameters(whole), parameters(resumed))
    keys = [(m["phase"], m["step"]) for m in read_metrics(resumed.folder.metrics)]
    assert keys == [(m["phase"], m["step"]) for m in read_metrics(whole.folder.metrics)]


def test_what_is_kept_after_a_phase_outlives_resuming_in_a_later_one(whole, tmp_path):
    interrupted_and_resumed(tmp_path / "cut", 9)
    resumed = run_in(tmp_path / "cut", resume=True)
    for phase in ("pretrain", "match"):
        kept, expected = (
            run.folder.load_checkpoint(f"after_{phase}")["transformer"] for run in (resumed, whole)
        )
        assert_equal_states(kept, expected)


@pytest.mark.parametrize("calls", [3, 9, 14])
def test_rounds_of_matching_are_resumed_bit_for_bit_too(tmp_path, calls):
    options = {"settings": {"features": SETTINGS["features"] | {"rounds": 2, "widen": "range"}}}
    uncut = run_in(tmp_path / "whole", **options)
    assert len(uncut.state.matchers) == 2
    assert (uncut.folder.checkpoints / "prior_network_1.pt").exists()
    resumed = interrupted_and_resumed(tmp_path / "cut", calls, **options)
    assert_equal_states(parameters(uncut), parameters(resumed))


def test_the_transformer_is_kept_as_it_was_after_each_phase(whole):
    after = {
        phase: whole.folder.load_checkpoint(f"after_{phase}")["transformer"]
        for phase in ("pretrain", "match")
    }
    assert_equal_states(after["match"], parameters(whole))
    assert any(not torch.equal(v, after["pretrain"][k]) for k, v in after["match"].items())


def test_a_run_leaves_what_the_design_promises(whole):
    path = whole.folder.path
    for name in ("metrics.jsonl", "config.yaml", "report.html", "checkpoints/last.pt"):
        assert (path / name).stat().st_size > 0
    assert any((path / "tensorboard").iterdir())
    for name in ("target", "prior", "learned"):
        assert len(list((path / "report_data/pictures" / name).iterdir())) == 2
    summary = whole.folder.read_json("summary.json")
    assert summary["features"].startswith("a small network trained on the prior")
    assert set(summary["mmd2"]["prior"]) == {"matched", "unseen"}


def test_matching_learns_the_hidden_mean_and_spread(tmp_path):
    """Light ~ U(0.3, 0.7) in the prior, N(0.9, 0.02) in the target."""
    run = run_in(tmp_path / "run", settings={"match": {"steps": 60, "batch": 8, "report_every": 0}})
    light = run.folder.read_json("attributes.json")["field.light"]
    assert np.mean(light["prior"]) == pytest.approx(0.5, abs=0.03)
    assert np.mean(light["learned"]) == pytest.approx(0.9, abs=0.06)
    assert np.std(light["learned"]) < 0.6 * np.std(light["prior"])
    mmd2 = run.folder.read_json("summary.json")["mmd2"]
    assert mmd2["learned"]["unseen"] < 0.3 * mmd2["prior"]["unseen"]


@pytest.mark.slow
def test_the_task_phase_is_resumed_bit_for_bit_too(tmp_path):
    options = {
        "labelled": True,
        "settings": {
            "phases": ["pretrain", "match", "task"],
            "task": {"epochs": 3, "scenes": 6, "network_steps": 2, "match_weight": 1.0},
        },
    }
    whole = run_in(tmp_path / "whole", **options)
    resumed = interrupted_and_resumed(tmp_path / "cut", 18, **options)
    assert resumed.state.steps["task"] == 3
    assert_equal_states(parameters(whole), parameters(resumed))
    assert_equal_states(*(run.state.task_network.state_dict()["model"] for run in (whole, resumed)))
    assert whole.state.baseline == resumed.state.baseline
