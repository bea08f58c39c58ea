"""The detector learns, goes on exactly where it was, and leaves torch's global generator alone."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from metasim_backend.tasks.average_precision import LabelledSetError
from metasim_backend.tasks.detection_targets import DetectionTarget, target_of
from metasim_backend.tasks.detection_training import NonFiniteLossError
from metasim_backend.tasks.detector import Detector
from metasim_backend.tasks.detector_settings import DetectorError, DetectorSettings

TINY = DetectorSettings.for_cpu(
    pyramid_channels=16,
    head_features=32,
    mask_channels=(16,),
    rpn_before_nms=50,
    rpn_after_nms=50,
    rpn_samples=32,
    box_samples=16,
    batch_size=2,
    warm_up=5,
)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def labelled(frames):
    made = []
    for frame in frames:
        labels = [label for label in frame.labels if label.visible_box is not None]
        made.append(
            SimpleNamespace(
                image=frame.image,
                boxes=np.array([label.visible_box for label in labels]).reshape(-1, 4),
                classes=tuple(label.class_name for label in labels),
                ignore=np.array(
                    [lb.visible_pixels < 12 or lb.visibility < 0.15 for lb in labels], dtype=bool
                ),
                difficulty=(None,) * len(labels),
            )
        )
    return made


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return a == b


@pytest.fixture(scope="module")
def small_frames(draw_streets):
    return draw_streets(6, seed=1, width=96, height=64)


def test_a_few_seconds_of_training_find_some_cars_in_unseen_frames(draw_streets):
    seen = draw_streets(40, seed=1, width=96, height=64)
    unseen = labelled(draw_streets(40, seed=2, width=96, height=64))
    detector = Detector(DetectorSettings.for_cpu(masks=False, warm_up=20), generator(0))
    assert detector.score(unseen).ap50 < 0.02
    detector.train(seen, 75, generator(1))
    assert detector.score(unseen).ap50 > 0.08


@pytest.mark.slow
def test_a_short_training_from_scratch_finds_cars_in_unseen_frames(draw_streets):
    seen, unseen = draw_streets(80, seed=1), labelled(draw_streets(40, seed=2))
    detector = Detector(DetectorSettings.for_cpu(), generator(0))
    untrained = detector.score(unseen)
    first = detector.train(seen, 40, generator(1))
    last = detector.train(seen, 160, generator(2))
    trained = detector.score(unseen)
    assert untrained.ap50 < 0.02
    assert trained.ap50 > 0.3
    assert last["total"] < first["total"]
    assert trained.boxes == untrained.boxes > 50


def test_two_calls_of_n_steps_are_one_of_2n_steps_bit_for_bit(small_frames):
    once, twice = (Detector(TINY, generator(0)) for _ in range(2))
    g = generator(1)
    once.train(small_frames, 4, g)
    h = generator(1)
    twice.train(small_frames, 2, h)
    twice.train(small_frames, 2, h)
    assert equal(once.state_dict(), twice.state_dict())
    assert once.steps == 4
    assert torch.equal(g.get_state(), h.get_state())


def test_a_saved_state_goes_on_bit_for_bit(small_frames, tmp_path):
    straight = Detector(TINY, generator(0))
    g = generator(1)
    straight.train(small_frames, 2, g)
    torch.save({"state": straight.state_dict(), "generator": g.get_state()}, tmp_path / "d.pt")
    straight.train(small_frames, 2, g)

    saved = torch.load(tmp_path / "d.pt", weights_only=True)
    resumed = Detector(TINY, generator(99))
    resumed.load_state_dict(saved["state"])
    h = torch.Generator()
    h.set_state(saved["generator"])
    resumed.train(small_frames, 2, h)
    assert equal(straight.state_dict(), resumed.state_dict())


def test_a_state_is_a_copy_that_later_training_does_not_touch(small_frames):
    detector = Detector(TINY, generator(0))
    detector.train(small_frames, 1, generator(1))
    state = detector.state_dict()
    first = detector.train(small_frames, 2, generator(2))
    detector.load_state_dict(state)
    assert detector.train(small_frames, 2, generator(2)) == first


def test_the_global_generator_is_neither_read_nor_moved(small_frames):
    pictures = labelled(small_frames)

    def run(seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            detector = Detector(TINY, generator(0))
            detector.train(small_frames, 2, generator(1))
            detector.score(pictures)
            assert torch.equal(torch.get_rng_state(), before)
            return detector.state_dict()

    assert equal(run(1), run(2))


def test_scoring_changes_nothing(small_frames):
    detector = Detector(TINY, generator(0))
    detector.train(small_frames, 1, generator(1))
    before = detector.state_dict()
    first, second = (detector.score(labelled(small_frames)) for _ in range(2))
    assert first == second and equal(before, detector.state_dict())


def test_predictions_lie_in_the_picture_in_its_own_pixels():
    detector = Detector(TINY, generator(0))
    detector.settings = DetectorSettings.for_cpu(upscale=2.0)
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    prediction = detector.predict([image])[0]
    boxes = prediction["boxes"]
    assert len(boxes) == len(prediction["scores"]) == len(prediction["labels"]) > 0
    assert boxes.min() >= 0 and boxes[:, [0, 2]].max() <= 90 and boxes[:, [1, 3]].max() <= 60
    assert boxes[:, [0, 2]].max() > 60, "boxes are scaled back to the picture, not left enlarged"
    assert (np.diff(prediction["scores"]) <= 0).all()


def test_frames_without_any_object_can_be_learnt_from(draw_streets):
    empty = [f for f in draw_streets(30, seed=4, width=96, height=64) if not f.labels][:2]
    losses = Detector(TINY, generator(0)).train(empty, 1, generator(1))
    assert math.isfinite(losses["total"])


def test_without_masks_it_is_a_faster_rcnn(small_frames):
    settings = DetectorSettings.for_cpu(masks=False, batch_size=2)
    losses = Detector(settings, generator(0)).train(small_frames, 1, generator(1))
    assert "loss_mask" not in losses and "loss_box_reg" in losses


def test_a_loss_that_is_not_finite_is_named_and_changes_nothing(small_frames):
    detector = Detector(TINY, generator(0))
    with torch.no_grad():
        detector.model.roi_heads.box_predictor.cls_score.bias[0] = math.nan
    before = [p.clone() for p in detector.model.parameters()]
    with pytest.raises(NonFiniteLossError, match="loss_classifier"):
        detector.train(small_frames, 1, generator(1))
    after = list(detector.model.parameters())
    assert all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(before, after, strict=True)
    )


def test_progress_is_told_of_every_step(small_frames):
    told = []
    losses = Detector(TINY, generator(0)).train(
        small_frames, 3, generator(1), lambda done, of, step: told.append((done, of, step["total"]))
    )
    assert [t[:2] for t in told] == [(1, 3), (2, 3), (3, 3)]
    assert losses["total"] == pytest.approx(sum(t[2] for t in told) / 3)


def test_mistakes_are_refused_in_one_sentence(small_frames):
    detector = Detector(TINY, generator(0))
    with pytest.raises(DetectorError, match="0 frames"):
        detector.train([], 1, generator(1))
    with pytest.raises(LabelledSetError):
        detector.score([])
    with pytest.raises(DetectorError, match="does not fit these settings"):
        detector.load_state_dict({"model": {}, "backbone": "resnet50"})
    with pytest.raises(DetectorError, match="Unknown detector backbone 'vgg'"):
        DetectorSettings(backbone="vgg")
    with pytest.raises(DetectorError, match="learning_rate"):
        DetectorSettings(learning_rate=0)


def test_settings_are_values():
    settings = DetectorSettings.for_cpu(class_mapping={"truck": "car"})
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings.to_dict()["class_mapping"] == {"truck": "car"}
    assert DetectorSettings().used_norm == "frozen" and settings.used_norm == "group"
    assert DetectorSettings(weights="none", norm="batch").used_norm == "batch"


def test_averaged_weights_follow_the_trained_ones_by_the_rule(small_frames):
    """One step: equal to them. Two: the mean. From there an exponential average of two steps."""
    detector = Detector(replace(TINY, average_steps=2), generator(0))
    name = "rpn.head.conv.0.0.weight"
    trained, g = [], generator(1)
    for _ in range(3):
        detector.train(small_frames, 1, g)
        trained.append(detector.model.state_dict()[name].clone())
    wanted = (trained[0] + trained[1]) / 4 + trained[2] / 2
    torch.testing.assert_close(detector.average.state_dict()[name], wanted)
    resumed = Detector(replace(TINY, average_steps=2), generator(9))
    resumed.load_state_dict(detector.state_dict())
    assert equal(resumed.state_dict(), detector.state_dict())


def test_examples_train_as_the_frames_that_they_are_of(small_frames):
    settings = replace(TINY, masks=False)
    of_frames, of_examples = (Detector(settings, generator(0)) for _ in range(2))
    examples = []
    for frame in small_frames:
        made = target_of(frame, settings.classes, settings.class_mapping, 12, 0.15)
        picture = torch.from_numpy(frame.image.copy()).permute(2, 0, 1)
        examples.append((picture, DetectionTarget(made.boxes, made.labels, None)))
    of_frames.train(small_frames, 2, generator(1))
    of_examples.train_examples(examples, 2, generator(1))
    assert equal(of_frames.state_dict(), of_examples.state_dict())


@pytest.mark.parametrize(
    "changes",
    [
        {"rpn_after_nms": 0.5},
        {"head_features": 2**31},
        {"detections": True},
        {"anchor_sizes": (1, 2, 3, 4, "5")},
        {"classes": (1,)},
        {"class_mapping": {"van": None}},
        {"learning_rate": float("nan")},
        {"masks": 1},
    ],
)
def test_settings_of_another_kind_are_refused(changes):
    """As a damaged file may hold them."""
    (name,) = changes
    with pytest.raises(DetectorError, match=f"Detector setting {name} is"):
        DetectorSettings(**changes)
