"""The segmenter learns coloured rectangles, and its IoU is the one counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.tasks.image_training import ImageTaskError
from metasim_backend.tasks.segmenter import (
    AERIAL_CLASSES,
    Segmenter,
    SegmenterError,
    SegmenterSettings,
    class_map,
    segmentation_score,
)

TINY = SegmenterSettings(width=24, height=20, filters=(4, 6, 8), batch_size=4)
COLOURS = {"road": (110, 110, 115), "car": (190, 40, 40), "tree": (20, 70, 25)}
COLOURS["house"] = (160, 110, 60)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_scene(rng: np.random.Generator, width: int, height: int) -> Frame:
    """Noisy grass with one road, two cars, a tree and a house, as upright rectangles."""
    image = np.zeros((height, width, 3)) + (70, 130, 60)
    index = np.zeros((height, width), np.uint16)
    labels = []
    across = int(rng.integers(height // 4, height // 2))
    boxes = [("road", 0, across, width, height // 4)]
    boxes += [
        ("car", int(rng.integers(0, width - 8)), across + 1, width // 6, height // 8)
        for _ in range(2)
    ]
    boxes += [
        (name, int(rng.integers(0, width - 8)), top, width // 5, height // 5)
        for name, top in (("tree", 0), ("house", height - height // 4))
    ]
    for number, (name, x, y, wide, tall) in enumerate(boxes, start=1):
        image[y : y + tall, x : x + wide] = np.array(COLOURS[name]) + rng.normal(0, 10, 3)
        index[y : y + tall, x : x + wide] = number
        labels.append(ObjectLabel(f"n{number}", name, number, 1, None, None, 1.0, 0.0, 0))
    image += rng.normal(0, 15, image.shape)
    return Frame(
        image=np.clip(image, 0, 255).astype(np.uint8),
        index=index,
        depth=np.full((height, width), np.inf, np.float32),
        labels=tuple(labels),
        intrinsics=np.eye(3),
        pose=np.eye(4),
    )


def draw_scenes(count: int, seed: int, width: int = 24, height: int = 20) -> list[Frame]:
    return [draw_scene(np.random.default_rng([seed, i]), width, height) for i in range(count)]


def equal(a, b) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def test_a_few_seconds_segment_unseen_scenes_of_rectangles():
    segmenter = Segmenter(SegmenterSettings.short(32, 32), generator(0))
    unseen = draw_scenes(40, seed=2, width=32, height=32)
    before = segmenter.score(unseen)
    images, maps = segmenter.arrays(draw_scenes(120, seed=1, width=32, height=32))
    segmenter.fit(images, maps, 8, generator(1))
    after = segmenter.score(unseen)
    assert before.value < 0.3
    assert after.value > 0.9
    assert all(after.iou[name] > 0.8 for name in AERIAL_CLASSES)


def test_training_on_frames_lowers_the_loss():
    frames = draw_scenes(16, seed=1)
    segmenter = Segmenter(replace(TINY, learning_rate=3e-3), generator(0))
    first = segmenter.train(frames, 5, generator(1))
    last = segmenter.train(frames, 60, generator(2))
    assert last["total"] < 0.8 * first["total"]


def test_the_network_has_seven_convolutions_of_16_to_64_filters():
    model = Segmenter(SegmenterSettings.short(), generator(0)).model
    filters = [m.out_channels for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert len(filters) == 7
    assert all(16 <= count <= 64 for count in filters if count != 5)


@pytest.mark.parametrize("width, height", [(4, 8), (64, 64), (100, 36)])
def test_pictures_may_have_any_multiple_of_four(width, height):
    segmenter = Segmenter(replace(TINY, width=width, height=height), generator(0))
    images = torch.zeros(2, 3, height, width, dtype=torch.uint8)
    assert segmenter.predict(images).shape == (2, height, width)


def test_the_class_of_a_pixel_is_that_of_the_label_whose_index_it_has():
    frame = draw_scenes(1, seed=1)[0]
    frame = replace(
        frame, labels=(*frame.labels[:-1], replace(frame.labels[-1], class_name="pond"))
    )
    found = class_map(frame, AERIAL_CLASSES)
    for label in frame.labels:
        wanted = 0 if label.class_name == "pond" else 1 + AERIAL_CLASSES.index(label.class_name)
        assert set(found[frame.index == label.index]) <= {wanted}
    assert (found[frame.index == 0] == 0).all()


def test_an_object_that_nothing_shows_of_changes_no_pixel():
    frame = draw_scenes(1, seed=1)[0]
    hidden = replace(frame.labels[0], index=60_000)
    with_hidden = replace(frame, labels=(*frame.labels, hidden))
    assert np.array_equal(class_map(with_hidden, AERIAL_CLASSES), class_map(frame, AERIAL_CLASSES))


def test_iou_is_intersection_over_union_pooled_over_all_pictures():
    segmenter = Segmenter(TINY, generator(0))
    frames = draw_scenes(9, seed=3)
    segmenter.train(frames, 20, generator(1))
    images, maps = segmenter.arrays(frames)
    score = segmenter.score(frames)
    found, truth = segmenter.predict(images).numpy(), maps.numpy()
    by_hand = [
        np.logical_and(found == c, truth == c).sum() / np.logical_or(found == c, truth == c).sum()
        for c in range(1, 5)
    ]
    assert [score.iou[name] for name in AERIAL_CLASSES] == pytest.approx(by_hand)
    assert score.value == pytest.approx(np.mean(by_hand))
    assert score.to_dict()["value"] == score.value


def test_the_background_is_not_part_of_the_mean():
    table = torch.tensor([[0, 10, 0], [0, 30, 0], [0, 0, 20]])
    score = segmentation_score(table, ("a", "b"))
    assert score.iou == {"background": 0.0, "a": 0.75, "b": 1.0}
    assert score.value == 0.875


def test_a_class_that_nowhere_occurs_is_not_part_of_the_mean():
    score = segmentation_score(torch.tensor([[5, 0, 0], [0, 8, 0], [0, 0, 0]]), ("a", "b"))
    assert score.iou["b"] is None
    assert score.value == 1.0


def test_two_calls_of_n_steps_and_a_saved_state_go_on_bit_for_bit(tmp_path):
    frames = draw_scenes(6, seed=1)
    once, twice = (Segmenter(TINY, generator(0)) for _ in range(2))
    g, h = generator(1), generator(1)
    once.train(frames, 4, g)
    twice.train(frames, 2, h)
    torch.save(twice.state_dict(), tmp_path / "s.pt")
    resumed = Segmenter(TINY, generator(9))
    resumed.load_state_dict(torch.load(tmp_path / "s.pt", weights_only=True))
    resumed.train(frames, 2, h)
    assert equal(once.state_dict(), resumed.state_dict())


def test_everything_depends_on_the_generators_only():
    frames = draw_scenes(6, seed=1)
    results = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        segmenter = Segmenter(TINY, generator(0))
        segmenter.fit(*segmenter.arrays(frames), 2, generator(1))
        segmenter.train(frames, 1, generator(2))
        results.append(segmenter.state_dict())
        assert torch.equal(torch.get_rng_state(), before)
    assert equal(*results)


def test_influence_is_the_inner_product_with_each_picture_s_own_gradient():
    segmenter = Segmenter(TINY, generator(0))
    segmenter.train(draw_scenes(8, seed=1), 10, generator(1))
    before = segmenter.state_dict()
    frames, labelled = draw_scenes(12, seed=4), draw_scenes(10, seed=5)
    found = segmenter.influence(frames, labelled).double()
    assert equal(segmenter.state_dict(), before)

    model = segmenter.average.requires_grad_(True)

    def gradient(chosen: list[Frame]) -> torch.Tensor:
        images, maps = segmenter.arrays(chosen)
        loss = functional.cross_entropy(model(segmenter.pictures(images)), maps)
        slopes = torch.autograd.grad(loss, list(model.parameters()))
        return torch.cat([slope.flatten() for slope in slopes]).double()

    whole = gradient(labelled)
    exact = torch.stack([gradient([frame]) @ whole for frame in frames])
    assert float((found - exact).norm() / exact.norm()) < 1e-4
    assert float(torch.corrcoef(torch.stack([found, exact]))[0, 1]) > 0.999


def test_what_does_not_fit_is_refused_in_one_sentence():
    segmenter = Segmenter(TINY, generator(0))
    frames = draw_scenes(2, seed=1)
    images, maps = segmenter.arrays(frames)
    for call in (
        lambda: segmenter.train([], 1, generator(1)),
        lambda: segmenter.score([]),
        lambda: segmenter.score(draw_scenes(1, 1, width=28)),
        lambda: segmenter.score_arrays(images[:, :1], maps),
        lambda: segmenter.score_arrays(images, maps[:1]),
        lambda: segmenter.score_arrays(images, maps + 9),
        lambda: segmenter.score_arrays(images, torch.zeros_like(maps)),
        lambda: SegmenterSettings(classes=()),
        lambda: SegmenterSettings(height=62),
    ):
        with pytest.raises(ImageTaskError) as caught:
            call()
        assert str(caught.value).endswith(".")
    with pytest.raises(SegmenterError, match="does not fit"):
        Segmenter(replace(TINY, filters=(4, 4, 4)), generator(0)).load_state_dict(
            segmenter.state_dict()
        )
