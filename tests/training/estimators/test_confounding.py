"""What stands in for something else is named, against closed forms."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from metasim_backend.features.reader.readings import PLACES
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.models.surrogate import PredictedReadings
from metasim_backend.training.estimators.confounding import confounded, information
from metasim_backend.training.estimators.pull import prior_deviations
from metasim_backend.training.scene_generator import SceneGenerator

SCENES = Path(__file__).parents[3] / "scenes"
NOISE = 0.02


def test_two_that_move_the_same_reading_leave_each_other_what_the_prior_knows():
    """Both have information f alone. With the other free and known to a deviation it is
    f / (1 + f), by the inverse of 1 + f 11ᵀ (Sherman and Morrison)."""
    moves = torch.tensor([[3.0, 0.0], [3.0, 0.0], [0.0, 2.0]]).double()
    variance = torch.diag(torch.tensor([4.0, 0.5]).double())
    found = information(["sun", "exposure", "pitch"], moves, variance, count=40)
    f = 40 * 9 / 4
    for name, partner in (("sun", "exposure"), ("exposure", "sun")):
        assert found[name].alone == pytest.approx(f / 2)
        assert found[name].together == pytest.approx(f / (1 + f) / 2)
        assert found[name].partners == (partner,)
    assert found["pitch"].together == pytest.approx(found["pitch"].alone) == 40 * 4 / 0.5 / 2
    assert found["pitch"].partners == ()


def test_half_of_the_information_may_be_shared_without_a_word():
    """Readings that lie 45° apart: a half is left, so nothing stands in for anything."""
    moves = torch.tensor([[10.0, 0.0], [10.0, 10.0]]).double()
    found = information(["a", "b"], moves, torch.eye(2).double(), count=100)
    assert found["a"].together == pytest.approx(found["a"].alone / 2, rel=0.01)
    assert found["a"].partners == found["b"].partners == ()


class Brightness(nn.Module):
    """Reads how bright the scene is, exposure and sky together, and how far the camera pitches."""

    def __init__(self, scenes: SceneGenerator, deviations: torch.Tensor) -> None:
        super().__init__()
        self.scenes, self.deviations = scenes, deviations
        names = [spec.name for spec in scenes.encoding.grammar.classes]
        self.labelled = torch.tensor([name == "car" for name in names])
        self.scene_noise = NOISE**2 * torch.eye(2)

    def _told(self, batch, values, class_name, attribute):
        slot = self.scenes.encoding.slot(class_name, attribute).index
        deviation = self.deviations[self.scenes.transformer.numeric.index(slot)]
        return values[batch.present[:, slot], slot] / deviation

    def forward(self, batch, values):
        bright = self._told(batch, values, "camera", "exposure") + self._told(
            batch, values, "sky", "sky_strength"
        )
        scene = torch.stack([bright, self._told(batch, values, "camera", "pitch")], 1)
        none = torch.zeros(0, 1 + PLACES)
        return PredictedReadings(scene, torch.ones_like(scene), torch.zeros(0, 2), none, none)


def test_light_and_exposure_stand_in_for_each_other_and_the_pitch_for_nothing():
    scenes = SceneGenerator(load_grammar(SCENES / "driving.yaml", assets=()), seed=3)
    grammar = scenes.encoding.grammar
    encoded = encode_scenes(scenes.encoding, [sample_scene(grammar, i) for i in range(200)])
    whole = encoded.batch(torch.arange(len(encoded)))
    scenes.transformer.fit_prior(whole)
    deviations = prior_deviations(scenes.transformer, encoded)
    found = confounded(
        scenes.transformer, Brightness(scenes, deviations), whole, deviations, count=320
    )
    assert found["camera.exposure"].partners == ("sky.sky_strength",)
    assert found["sky.sky_strength"].partners == ("camera.exposure",)
    named = {name for name, one in found.items() if one.partners}
    assert named == {"camera.exposure", "sky.sky_strength"}
    # A deviation among scenes that vary by one: n / 2, and nothing is lost.
    pitch = found["camera.pitch"]
    assert pitch.alone == pytest.approx(320 / 2 / (1 + NOISE**2), rel=0.15)
    assert pitch.together == pytest.approx(pitch.alone, rel=0.1)
    assert "car.along" not in found and found["road.curvature"].alone < 1e-6
