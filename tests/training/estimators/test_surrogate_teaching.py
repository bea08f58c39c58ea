"""What a surrogate cannot predict is measured on renders that it was not taught."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from metasim_backend.features.reader.reader import SeenPictures
from metasim_backend.features.reader.readings import PLACES, Readings
from metasim_backend.features.reader.targets import ReaderTargets
from metasim_backend.grammar import load_grammar, sample_scene
from metasim_backend.grammar.encoded_scenes import encode_scenes
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.models.surrogate import Surrogate
from metasim_backend.training.estimators.render_archive import RenderArchive, readings_of_nodes
from metasim_backend.training.estimators.surrogate_teaching import teach_surrogate, teaching_steps

SCENES = Path(__file__).parents[3] / "scenes"
COUNT, NOISE = 160, 0.3


def taught(rounds: torch.Tensor, noise: torch.Tensor, **options):
    """A surrogate of how a camera's pitch is read with noise [N] in renders of rounds [N], taught
    so few that a network learns part of it by heart; with what it predicts, and was read."""
    encoding = Encoding(load_grammar(SCENES / "driving.yaml", assets=()))
    scenes = [sample_scene(encoding.grammar, seed) for seed in range(COUNT)]
    encoded = encode_scenes(encoding, scenes)
    pitch = encoding.slot("camera", "pitch").index
    exact = encoded.values[encoded.present[:, pitch], pitch][:, None]
    source = torch.Generator().manual_seed(0)
    error = noise[:, None] * torch.randn(COUNT, 1, generator=source)
    read = (exact - exact.mean()) / exact.std() + error
    archive = RenderArchive(
        SeenPictures(torch.zeros(COUNT, 3, 1, 1, dtype=torch.uint8), ()),
        ReaderTargets(
            read,
            torch.full((COUNT, 1, 1), -1, dtype=torch.int16),
            torch.zeros(COUNT, 1, dtype=torch.uint8),
            torch.zeros(COUNT, 1, 4),
            torch.zeros(COUNT, 1, 1),
        ),
        encoded,
        torch.full((COUNT, 1), -1),
        rounds,
    )
    none = torch.zeros(0, dtype=torch.long)
    readings = Readings(
        read, torch.zeros(0, 1 + PLACES), torch.zeros(0, 1), none, torch.zeros(0, 4), none
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        surrogate = Surrogate(encoding, 1, ("car",), 1 + PLACES)
    surrogate.fit_inputs(encoded)
    teach_surrogate(
        surrogate,
        archive,
        readings,
        readings_of_nodes(archive, readings),
        torch.arange(COUNT),
        seed=0,
        epochs=20,
        learning_rate=2e-3,
        **options,
    )
    whole = encoded.batch(torch.arange(COUNT))
    with torch.no_grad():
        return surrogate, surrogate(whole, whole.values), read


@pytest.mark.parametrize("folds", [1, 4])
def test_noise_is_that_of_readings_that_were_not_taught(folds: int):
    steps: list[int] = []
    surrogate, predicted, read = taught(
        torch.zeros(COUNT, dtype=torch.long),
        torch.full((COUNT,), NOISE),
        folds=folds,
        progress=lambda step, _: steps.append(step),
    )
    assert steps == list(range(1, teaching_steps(COUNT, 20, folds) + 1))
    spread = predicted.scene_spreads.mean() * surrogate.scene_noise[0, 0].sqrt()
    by_heart = (predicted.scene - read).std()
    assert float(spread) > 1.1 * float(by_heart)
    # Of so few renders the noise cannot be known better, and a network adds errors of its own.
    assert 0.8 * NOISE < float(spread) < (2.0 if folds == 1 else 1.6) * NOISE


def test_noise_is_that_of_the_rounds_near_the_target():
    """The second round's renders are read four times as badly as the third's."""
    rounds = torch.arange(COUNT) % 2 + 2
    noise = torch.where(rounds == 2, 4 * NOISE, NOISE)
    found = {
        first: float(taught(rounds, noise, folds=4, measured_from=first)[0].scene_noise[0, 0])
        for first in (None, 3, 2)
    }
    assert found[None] == found[3] < 0.6 * found[2]
