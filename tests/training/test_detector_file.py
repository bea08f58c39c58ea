"""A detector's file holds all that it needs to detect as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from drawn_streets import TINY, draw_street
from torchvision import models

from metasim_backend.tasks.detector import Detector
from metasim_backend.tasks.detector_settings import DetectorError, DetectorSettings
from metasim_backend.training.detector_export import export_onnx
from metasim_backend.training.detector_file import TrainedDetector, load_detector, save_detector

SETTINGS = DetectorSettings.for_photographs(weights="none", min_score=0.0, **TINY)


@pytest.fixture
def tensorflow_weights(tmp_path):
    """An untrained network in the form of those from TensorFlow."""
    torch.manual_seed(0)
    path = tmp_path / "weights.pth"
    torch.save(models.mobilenet_v2(num_classes=1001).state_dict(), path)
    return path


@pytest.mark.parametrize("weights", ["none", "file"])
def test_a_detector_from_its_file_sees_the_same(weights, tensorflow_weights, tmp_path):
    given = "none" if weights == "none" else str(tensorflow_weights)
    detector = Detector(replace(SETTINGS, weights=given), torch.Generator().manual_seed(1))
    frames = [draw_street(np.random.default_rng(i), 96, 64) for i in range(4)]
    detector.train(frames, 2, torch.Generator().manual_seed(2))
    path = tmp_path / "detector.pt"
    save_detector(path, TrainedDetector(detector, (96, 64), 0.4))
    tensorflow_weights.unlink()  # the file alone is enough
    again = load_detector(path)
    assert (again.size, again.least_score, again.detector.steps) == ((96, 64), 0.4, 2)
    before, after = (d.predict([frames[0].image])[0] for d in (detector, again.detector))
    assert len(before["scores"])
    assert np.array_equal(before["boxes"], after["boxes"])
    assert np.array_equal(before["scores"], after["scores"])


def test_its_onnx_file_sees_the_same_in_pictures_of_any_size(tensorflow_weights, tmp_path):
    settings = replace(SETTINGS, weights=str(tensorflow_weights))
    detector = Detector(settings, torch.Generator().manual_seed(1))
    path = tmp_path / "detector.onnx"
    export_onnx(TrainedDetector(detector, (96, 64), 0.4), path)
    session = onnxruntime.InferenceSession(path)
    told = session.get_modelmeta().custom_metadata_map
    assert told == {"classes": '["car"]', "least_score": "0.4", "size": "96x64"}
    for width, height in ((96, 64), (130, 70)):
        image = draw_street(np.random.default_rng(width), width, height).image
        (expected,) = detector.predict([image])
        picture = image.transpose(2, 0, 1).astype(np.float32) / 255
        boxes, scores, labels = session.run(None, {"picture": picture})
        assert len(scores) == len(expected["scores"]) > 0 and set(labels) == {1}
        assert scores == pytest.approx(expected["scores"], abs=1e-4)
        assert boxes == pytest.approx(expected["boxes"], abs=0.01)


def test_what_is_no_detector_is_named(tmp_path):
    with pytest.raises(DetectorError, match="There is no detector"):
        load_detector(tmp_path / "none.pt")
    other = tmp_path / "other.pt"
    torch.save({"some": torch.zeros(1)}, other)
    with pytest.raises(DetectorError, match="is not a detector"):
        load_detector(other)
    text = tmp_path / "text.pt"
    text.write_text("detector")
    with pytest.raises(DetectorError, match="is not a detector"):
        load_detector(text)
