"""AP@0.5 against hand-computed values and on sets whose score is known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from metasim_backend.tasks.average_precision import (
    LEVELS,
    RECALLS,
    LabelledSetError,
    average_precision,
    detection_score,
    resampled_ap50,
)


@dataclass(frozen=True)
class Picture:
    boxes: np.ndarray
    classes: tuple[str, ...]
    ignore: np.ndarray
    difficulty: tuple[str | None, ...]
    image: np.ndarray = field(default_factory=lambda: np.zeros((96, 160, 3), np.uint8))


def picture(*boxes, classes=None, ignore=None, difficulty=None) -> Picture:
    n = len(boxes)
    return Picture(
        np.array(boxes, float).reshape(-1, 4),
        tuple(classes or ["car"] * n),
        np.array(ignore if ignore is not None else [False] * n, bool),
        tuple(difficulty or [None] * n),
    )


def found(*scored) -> dict:
    return {
        "boxes": np.array([box for box, _ in scored], float).reshape(-1, 4),
        "scores": np.array([score for _, score in scored], float),
        "labels": ("car",) * len(scored),
    }


A, B, C, D = (0, 0, 20, 10), (40, 0, 60, 10), (80, 0, 100, 10), (120, 0, 140, 10)


def test_perfect_detections_score_one_and_none_score_zero():
    truth = [picture(A, B), picture(C)]
    perfect = [found((A, 0.9), (B, 0.8)), found((C, 0.7))]
    score = detection_score(truth, perfect)
    assert score.ap50 == pytest.approx(1) and score.recall == 1
    assert (score.images, score.boxes, score.detections) == (2, 3, 3)
    nothing = detection_score(truth, [found(), found()])
    assert nothing.ap50 == 0 and nothing.recall == 0


def test_half_of_the_boxes_found_scores_the_51_recalls_up_to_one_half():
    score = detection_score([picture(A, B)], [found((A, 0.9))])
    assert score.ap50 == pytest.approx(51 / 101) and score.recall == 0.5


def test_a_false_detection_between_two_right_ones_scores_as_computed_by_hand():
    # Ranked: right, wrong, right. Precision 1 up to recall 1/2, then 2/3: (51 + 50 * 2/3) / 101.
    score = detection_score([picture(A, B)], [found((A, 0.9), (C, 0.8), (B, 0.7))])
    assert score.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_box_counts_as_found_from_an_overlap_of_one_half_on():
    half = (0, 0, 10, 10)  # IoU with A is exactly 1/2
    less = (0, 0, 9, 10)
    assert detection_score([picture(A)], [found((half, 0.9))]).ap50 == pytest.approx(1)
    assert detection_score([picture(A)], [found((less, 0.9))]).ap50 == 0


def test_the_order_is_taken_over_all_images():
    truth = [picture(A), picture(B)]
    sure_of_the_wrong = [found((A, 0.5)), found((C, 0.9), (B, 0.4))]
    # Ranked: wrong, right, right: precision at both recalls is 2/3.
    assert detection_score(truth, sure_of_the_wrong).ap50 == pytest.approx(2 / 3)


def test_ignored_regions_neither_help_nor_hurt():
    plain = detection_score([picture(A, B)], [found((A, 0.9), (C, 0.3))])
    inside = (85, 2, 90, 8)
    small = ((121, 1, 126, 8), 0.98), ((130, 1, 138, 9), 0.97)
    for extra in [(), ((D, 0.99),), ((D, 0.99), *small)]:
        truth = [picture(A, B, D, ignore=[False, False, True])]
        assert detection_score(truth, [found((A, 0.9), (C, 0.3), *extra)]).ap50 == plain.ap50
    truth = [picture(A, C, ignore=[False, True], classes=["car", "dontcare"])]
    assert detection_score(truth, [found((inside, 0.99), (A, 0.5))]).ap50 == pytest.approx(1)


def test_levels_pass_over_harder_boxes_whether_found_or_not():
    truth = [picture(A, B, C, D, difficulty=["easy", "moderate", "hard", None])]
    only_easy = detection_score(truth, [found((A, 0.9))])
    assert only_easy.easy == pytest.approx(1)
    assert only_easy.moderate == pytest.approx(51 / 101)
    assert only_easy.hard == pytest.approx(34 / 101)
    assert only_easy.ap50 == pytest.approx(26 / 101)
    everything = detection_score(truth, [found((D, 0.99), (C, 0.98), (B, 0.97), (A, 0.1))])
    assert (everything.easy, everything.moderate, everything.hard) == pytest.approx((1, 1, 1))


def test_a_loose_detection_of_a_harder_box_is_wrong_at_the_easy_level():
    # A DontCare region would swallow it; a harder car is matched by IoU, as KITTI does.
    loose = (80, 0, 88, 10)
    truth = [picture(A, C, difficulty=["easy", "hard"])]
    score = detection_score(truth, [found((loose, 0.9), (A, 0.8))])
    assert score.easy == pytest.approx(0.5)


def test_levels_without_boxes_are_none():
    score = detection_score([picture(A)], [found((A, 1))])
    assert score.easy is score.moderate is score.hard is None
    assert score.to_dict()["easy"] is None and score.value == score.ap50


def test_vans_count_as_cars_and_people_do_not_count():
    truth = [picture(A, B, C, classes=["Car", "Van", "Pedestrian"])]
    score = detection_score(truth, [found((A, 0.9), (B, 0.8))])
    assert score.ap50 == pytest.approx(1) and score.boxes == 2


def test_a_second_detection_of_the_same_box_is_wrong():
    score = detection_score([picture(A, B)], [found((A, 0.9), (A, 0.8), (B, 0.7))])
    assert score.ap50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_a_set_without_boxes_is_refused_in_one_sentence():
    with pytest.raises(LabelledSetError, match="2 labelled images have no box of class car"):
        detection_score([picture(), picture(A, ignore=[True])], [found(), found()])


def test_pycocotools_prints_nothing(capsys):
    detection_score([picture(A)], [found((A, 1))])
    assert capsys.readouterr().out == ""


def test_drawn_pictures_score_as_if_they_were_a_set_of_their_own():
    """Matched once and added up for each draw, or written out anew: the same number."""
    rng = np.random.default_rng(0)
    truth, seen = [], []
    for _ in range(12):
        boxes = [tuple(rng.uniform(0, 60, 2)) for _ in range(rng.integers(0, 4))]
        boxes = [(x, y, x + 20, y + 15) for x, y in boxes]
        ignore = [bool(rng.random() < 0.2) for _ in boxes]
        truth.append(picture(*boxes, ignore=ignore))
        near = [(tuple(v + rng.normal(0, 3) for v in box), rng.random()) for box in boxes]
        seen.append(found(*near, ((70, 70, 90, 85), rng.random())))
    draws = rng.integers(12, size=(5, 12)).tolist()
    scores = resampled_ap50(truth, seen, draws)
    for score, rows in zip(scores, draws, strict=True):
        drawn = detection_score([truth[r] for r in rows], [seen[r] for r in rows])
        assert score == pytest.approx(drawn.ap50, abs=1e-12)
    with pytest.raises(ValueError, match="12 places"):
        resampled_ap50(truth, seen, [[0, 1]])


def by_hand(labelled, predictions, overlap: float, at: list[float], level: str | None) -> float:
    """KITTI's rules written out: one class, detections best first, each box matched once."""
    counted = None if level is None else LEVELS[: LEVELS.index(level) + 1]
    ranked = sorted(
        ((score, image, box) for image, found in enumerate(predictions)
         for box, score in zip(found["boxes"], found["scores"], strict=True)),
        key=lambda one: -one[0],
    )  # fmt: skip
    taken: set[tuple[int, int]] = set()
    right, wrong, curve = 0, 0, []
    for _, image, box in ranked:
        boxes = labelled[image].boxes
        free = [i for i in range(len(boxes)) if (image, i) not in taken]
        overlaps = {i: iou(box, boxes[i]) for i in free}
        counts = {i: counted is None or labelled[image].difficulty[i] in counted for i in free}
        near = [i for i in free if overlaps[i] >= overlap]
        # A box that counts comes before one that is passed over.
        best = max(near, key=lambda i: (counts[i], overlaps[i]), default=None)
        if best is None:
            wrong += 1
        else:
            taken.add((image, best))
            if not counts[best]:
                continue
            right += 1
        curve.append((right, right / (right + wrong)))
    boxes = sum(counted is None or level in counted for one in labelled for level in one.difficulty)
    precisions = [max((p for r, p in curve if r / boxes >= recall), default=0.0) for recall in at]
    return float(np.mean(precisions))


def iou(one, other) -> float:
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("overlap", [0.5, 0.7])
@pytest.mark.parametrize("level", [None, *LEVELS])
def test_random_detections_score_as_kittis_rules_written_out(overlap, level):
    rng = np.random.default_rng(7)
    labelled, predictions = [], []
    for _ in range(25):
        # Apart from each other, so that no detection could be of two boxes.
        boxes = [(50 * i, 0, 50 * i + 30, 20) for i in range(rng.integers(1, 5))]
        difficulty = rng.choice([*LEVELS, "none"], len(boxes))
        labelled.append(
            picture(*boxes, difficulty=[None if d == "none" else str(d) for d in difficulty])
        )
        scored = [
            (tuple(np.array(box) + rng.normal(0, 2.2, 4)), float(rng.random()))
            for box in boxes
            if rng.random() < 0.8
        ]
        scored += [((5, 40, 30, 60), float(rng.random())) for _ in range(rng.integers(0, 2))]
        predictions.append(found(*sorted(scored, key=lambda one: -one[1])))
    for recalls, at in RECALLS.items():
        assert len(at) == recalls and at == pytest.approx(np.linspace(at[0], 1, recalls))
        ours = average_precision(
            labelled, predictions, overlap=overlap, recalls=recalls, level=level
        )
        assert ours == pytest.approx(by_hand(labelled, predictions, overlap, at, level), abs=1e-6)
        assert 0.05 < ours < 0.98


def test_what_has_no_box_of_a_level_has_no_precision():
    assert average_precision([picture(A)], [found((A, 1))], level="easy") is None
