"""Task networks train, score and go on elsewhere as on the CPU, and their state is read on both.

Influence is left out: the pretended device knows nothing of forward-mode derivatives.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_streets import TINY, draw_street
from pretended_device import DEVICE, pretended

from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.tasks.classifier import Classifier, ClassifierSettings
from metasim_backend.tasks.detector import Detector
from metasim_backend.tasks.detector_settings import DetectorSettings
from metasim_backend.tasks.segmenter import Segmenter, SegmenterSettings


def generator(seed):
    return torch.Generator().manual_seed(seed)


def classifier(device):
    settings = ClassifierSettings(
        width=20, height=16, classes=("a", "b"), filters=(4, 6), kernels=(3, 3), hidden=(8, 8),
        batch_size=4, dropout=0.0, device=device,
    )  # fmt: skip
    return Classifier(settings, generator(0)), (8, 1, 16, 20), (8,), 2


def segmenter(device):
    settings = SegmenterSettings(
        width=24, height=20, filters=(4, 6, 8), batch_size=4, device=device
    )
    return Segmenter(settings, generator(0)), (8, 3, 20, 24), (8, 20, 24), 5


@pytest.mark.parametrize("new", [classifier, segmenter])
def test_networks_of_whole_pictures(new, tmp_path):
    def made(device):
        network, pictures, answers, kinds = new(device)
        rng = np.random.default_rng(0)
        images = torch.from_numpy(rng.integers(0, 256, pictures, dtype=np.uint8))
        truth = torch.from_numpy(rng.integers(0, kinds, answers))
        losses = [network.train_arrays(images, truth, 2, generator(1))["total"]]
        losses.append(network.fit(images, truth, 1, generator(2))["total"])
        write_tensors(tmp_path / "state.pt", network.state_dict())
        again, *_ = new(device)
        again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        losses.append(again.train_arrays(images, truth, 1, generator(3))["total"])
        score = again.score_arrays(images, truth)
        assert next(again.model.parameters()).device.type == device
        return losses, score

    losses, score = made("cpu")
    with pretended() as forgotten:
        found_losses, found_score = made(DEVICE.type)
    assert forgotten == []
    assert found_losses == pytest.approx(losses, rel=1e-3)
    assert found_score.value == pytest.approx(score.value, abs=0.02)
    # What was learned elsewhere goes on here.
    here, *_ = new("cpu")
    here.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))


def test_a_detector(tmp_path):
    streets = [draw_street(np.random.default_rng([0, i]), 96, 64) for i in range(3)]
    settings = DetectorSettings.for_cpu(**TINY | {"masks": True, "batch_size": 2})

    def made(device):
        detector = Detector(settings, generator(0), device)
        losses = detector.train(streets, 1, generator(1))
        write_tensors(tmp_path / "state.pt", detector.state_dict())
        again = Detector(settings, generator(5), device)
        again.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        more = again.train(streets, 1, generator(2))
        picture = SimpleNamespace(
            image=streets[0].image,
            boxes=np.array([[2.0, 2.0, 30.0, 30.0]]),
            classes=("car",),
            ignore=np.zeros(1, bool),
            difficulty=(None,),
        )
        again.score([picture])
        return losses, more, again.predict([streets[0].image])[0]

    losses, more, seen = made("cpu")
    with pretended() as forgotten:
        found_losses, found_more, found = made(DEVICE)
    assert forgotten == []
    assert found_losses == pytest.approx(losses, rel=1e-2)
    assert found_more == pytest.approx(more, rel=5e-2)
    assert type(found["boxes"]) is np.ndarray and len(found["boxes"]) == len(seen["boxes"])
    here = Detector(settings, generator(5))
    here.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
