"""Targets made from frames, and what augmentation keeps true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from blender_addon.contract.frames import Box3D
from metasim_backend.tasks.average_precision import CLASS_MAPPING
from metasim_backend.tasks.detection_targets import (
    NO_AUGMENTATION,
    AugmentationSettings,
    DetectionTarget,
    augmented,
    cut,
    mirrored,
    picture_tensor,
    resized,
    target_of,
)


@pytest.fixture()
def frame(draw_streets):
    return next(f for f in draw_streets(20, seed=3) if len(f.labels) == 3)


def boxes_of_masks(masks: torch.Tensor) -> list[list[int]]:
    boxes = []
    for mask in masks:
        ys, xs = torch.nonzero(mask, as_tuple=True)
        boxes.append([int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1])
    return boxes


def target(frame, min_pixels=1, min_visibility=0.0, classes=("car",)):
    return target_of(frame, classes, CLASS_MAPPING, min_pixels, min_visibility)


def test_boxes_hold_their_masks_tightly_and_vans_are_cars(frame):
    made = target(frame)
    assert made.labels.tolist() == [1, 1, 1]
    assert {label.class_name for label in frame.labels} == {"car", "van"}
    assert made.boxes.tolist() == boxes_of_masks(made.masks)
    for mask, label in zip(made.masks, frame.labels, strict=True):
        assert np.array_equal(mask.numpy().astype(bool), frame.index == label.index)


def test_a_whole_box_is_the_projected_3d_box_as_far_as_the_picture_reaches(frame):
    """A block 2 m wide, 1.5 m high and 4 m long, seen from behind at 10 m, 1 m under the camera's
    height; and the same half outside the picture."""
    height, width = frame.index.shape
    intrinsics = np.array([[100.0, 0, width / 2], [0, 100.0, height / 2], [0, 0, 1]])

    def at(x: float) -> Box3D:
        return Box3D(1.5, 2.0, 4.0, (x, 1.0, 12.0), np.pi / 2)

    first, *rest = frame.labels
    edge = 12.0 * (width / 2) / 100
    for x, wanted in ((0.0, (width / 2 - 10, width / 2 + 10)), (edge, (None, width))):
        labels = (replace(first, box3d=at(x)), *rest)
        seen = replace(frame, labels=labels, intrinsics=intrinsics)
        box = target_of(seen, ("car",), CLASS_MAPPING, 1, 0.0, whole=True).boxes[0].tolist()
        assert box[1] == pytest.approx(height / 2 - 100 * 0.5 / 10, abs=1e-3)
        assert box[3] == pytest.approx(height / 2 + 100 * 1.0 / 10, abs=1e-3)
        assert box[2] == pytest.approx(wanted[1], abs=1e-3)
        assert wanted[0] is None or box[0] == pytest.approx(wanted[0], abs=1e-3)
    # Others, without a 3-D box, have the tight one.
    tight = target(frame).boxes[1:]
    assert torch.equal(
        target_of(seen, ("car",), CLASS_MAPPING, 1, 0.0, whole=True).boxes[1:], tight
    )


def test_objects_that_show_too_little_are_left_out(frame):
    pixels = sorted(label.visible_pixels for label in frame.labels)
    assert len(target(frame, min_pixels=pixels[1]).boxes) == 2
    hidden = tuple(replace(lb, visibility=0.1 if lb.index == 1 else 1.0) for lb in frame.labels)
    assert len(target(replace(frame, labels=hidden), min_visibility=0.15).boxes) == 2


def test_other_classes_are_left_out_and_a_frame_may_have_no_object(frame):
    people = tuple(replace(label, class_name="person") for label in frame.labels)
    made = target(replace(frame, labels=people))
    assert made.boxes.shape == (0, 4) and made.masks.shape == (0, *frame.index.shape)


def test_mirrored_boxes_hold_mirrored_masks(frame):
    picture, made = mirrored(picture_tensor(frame.image), target(frame))
    assert made.boxes.tolist() == boxes_of_masks(made.masks)
    twice, again = mirrored(picture, made)
    assert torch.equal(twice, picture_tensor(frame.image))
    assert torch.equal(again.boxes, target(frame).boxes)


@pytest.mark.parametrize("factor", [0.75, 1.5, 2.0])
def test_resized_boxes_hold_resized_masks_within_a_pixel(frame, factor):
    picture, made = resized(picture_tensor(frame.image), target(frame), factor)
    assert picture.shape[1:] == made.masks.shape[1:]
    assert np.abs(made.boxes.numpy() - np.array(boxes_of_masks(made.masks))).max() <= 1


def test_augmentation_repeats_with_the_generator_and_changes_without(frame):
    settings = AugmentationSettings()

    def make(seed):
        generator = torch.Generator().manual_seed(seed)
        return augmented(picture_tensor(frame.image), target(frame), settings, generator)

    (a, ta), (b, tb), (c, _) = make(1), make(1), make(2)
    assert torch.equal(a, b) and torch.equal(ta.boxes, tb.boxes)
    assert a.shape != c.shape or not torch.equal(a, c)
    assert float(a.min()) >= 0 and float(a.max()) <= 1


def test_no_augmentation_keeps_the_picture(frame):
    picture = picture_tensor(frame.image)
    same, made = augmented(picture, target(frame), NO_AUGMENTATION, torch.Generator())
    assert torch.allclose(same, picture, atol=1e-6)
    assert torch.equal(made.boxes, target(frame).boxes)


def test_float_and_byte_pictures_mean_the_same(frame):
    as_float = (frame.image / 255).astype(np.float32)
    assert torch.allclose(picture_tensor(as_float), picture_tensor(frame.image))


def test_a_cut_keeps_what_is_inside_and_drops_what_is_nearly_gone(frame):
    made = target(frame)
    box = made.boxes[0]
    x0, y0, x1, y1 = (int(v) for v in box)
    middle = (x0 + x1) // 2
    picture = picture_tensor(frame.image)
    height, width = picture.shape[-2:]
    shown, inside = cut(picture, made, (middle, 0, width, height))
    assert torch.equal(shown, picture[:, :, middle:])
    masks = boxes_of_masks(inside.masks)
    for kept, mask in zip(inside.boxes.tolist(), masks, strict=True):
        # The mask's own box lies in the kept one: what is hidden may make it smaller.
        assert kept[0] <= mask[0] and kept[2] >= mask[2]
    assert inside.boxes[:, 0].min() == 0
    _, gone = cut(picture, made, (x1 - 1, 0, width, height))
    assert len(gone.boxes) < len(made.boxes)


def test_random_windows_have_the_asked_size_and_their_objects_follow():
    """A picture whose objects are its only bright pixels: boxes are read off the cut picture."""
    picture = torch.zeros(3, 120, 200, dtype=torch.uint8)
    boxes = torch.tensor([[20.0, 30.0, 50.0, 60.0], [150.0, 40.0, 190.0, 80.0]])
    for x0, y0, x1, y1 in boxes.int().tolist():
        picture[:, y0:y1, x0:x1] = 255
    whole = DetectionTarget(boxes, torch.ones(2, dtype=torch.long), None)
    settings = replace(NO_AUGMENTATION, crop=96)
    source = torch.Generator().manual_seed(0)
    met = set()
    for _ in range(40):
        shown, made = augmented(picture, whole, settings, source)
        assert shown.shape == (3, 96, 96)
        met.add(len(made.boxes))
        for box in made.boxes:
            x0, y0, x1, y1 = box.int().tolist()
            assert (shown[:, y0:y1, x0:x1] == 1).all()
    assert met == {0, 1}


def test_a_window_is_no_larger_than_the_picture():
    picture = torch.zeros(3, 50, 200, dtype=torch.uint8)
    none = DetectionTarget(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), None)
    shown, _ = augmented(
        picture, none, replace(NO_AUGMENTATION, crop=96), torch.Generator().manual_seed(0)
    )
    assert shown.shape == (3, 50, 96)
