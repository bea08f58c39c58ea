"""Average precision, of all boxes and of KITTI's three difficulties.

The number is COCO's (pycocotools): at IoU >= 0.5, precision interpolated at 101 recalls, mean
over classes; or, where asked for, at another overlap or at KITTI's recalls. A difficulty counts the
boxes of its level and of the easier ones, as KITTI does:

- a box of a harder level, or of none, is *passed over*: a detection that matches it
  is neither right nor wrong, and missing it costs nothing;
- an *ignore* region (KITTI's DontCare) swallows every detection that lies at least half in it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypedDict

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metasim_backend.datasets.class_names import COUNTS_AS

LEVELS = ("easy", "moderate", "hard")
CLASS_MAPPING = COUNTS_AS

RECALLS = {
    101: np.linspace(0, 1, 101),
    40: np.linspace(1 / 40, 1, 40),
    11: np.linspace(0, 1, 11),
}
"""Recalls at which precision is read: COCO's, KITTI's since 2019 (Simonelli et al., Disentangling
monocular 3D object detection, ICCV 2019), and KITTI's before, PASCAL VOC's."""
_MOST_DETECTIONS = 100
_LARGEST_AREA = 1e12


class LabelledPicture(Protocol):
    """One labelled image.

    Attributes:
        image: H x W x 3 uint8, sRGB.
        boxes: [n, 4], (x0, y0, x1, y1) in pixels.
        classes: n class names, case does not matter.
        ignore: [n] bool, regions in which detections are not judged.
        difficulty: n of "easy", "moderate", "hard" (the easiest level that a box belongs to) or
            None (it belongs to no level).
    """

    @property
    def image(self) -> np.ndarray: ...
    @property
    def boxes(self) -> np.ndarray: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def ignore(self) -> np.ndarray: ...
    @property
    def difficulty(self) -> tuple[str | None, ...]: ...


class Prediction(TypedDict):
    """Detections of one picture, best first: boxes [n, 4] (x0, y0, x1, y1) in pixels of the
    picture, scores [n] in [0, 1], labels n class names."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: tuple[str, ...]


class LabelledSetError(ValueError):
    """Labelled images on which nothing can be scored."""


@dataclass(frozen=True)
class DetectionScore:
    """AP@0.5 as fractions in [0, 1].

    Attributes:
        ap50: over all boxes that are not ignored.
        easy, moderate, hard: at KITTI's levels; None where the set has no box of that level.
        recall: share of the counted boxes that some detection finds, whatever its score.
        images, boxes: how many were scored; ignored boxes are not counted.
        detections: how many detections were judged.
    """

    ap50: float
    easy: float | None
    moderate: float | None
    hard: float | None
    recall: float
    images: int
    boxes: int
    detections: int

    @property
    def value(self) -> float:
        """The reward: AP@0.5 over all boxes."""
        return self.ap50

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def detection_score(
    labelled: Sequence[LabelledPicture],
    predictions: Sequence[Prediction],
    classes: Sequence[str] = ("car",),
    mapping: Mapping[str, str] = CLASS_MAPPING,
) -> DetectionScore:
    """AP@0.5 of predictions, one per labelled image and in the same order.

    Args:
        labelled: the truth.
        predictions: what was detected; at most 100 a picture and class are judged.
        classes: the detector's classes.
        mapping: class of a label to the detector's class; labels of other classes are left out.

    Raises:
        LabelledSetError: when no image has a box of the wanted classes.
        ValueError: when there are not as many predictions as images.
    """
    if len(labelled) != len(predictions):
        raise ValueError(f"{len(predictions)} predictions for {len(labelled)} labelled images.")
    truth = _truth(labelled, classes, mapping)
    found = _found(predictions, classes)
    boxes = sum(not item["ignored"] for item in truth)
    if boxes == 0:
        raise LabelledSetError(
            f"The {len(labelled)} labelled images have no box of class {', '.join(classes)}; give "
            "labelled images that show some."
        )
    ap50, recall = _evaluate(truth, found, len(labelled), len(classes), None)
    levels = {
        level: _evaluate(truth, found, len(labelled), len(classes), LEVELS[: rank + 1])[0]
        for rank, level in enumerate(LEVELS)
    }
    return DetectionScore(
        ap50=ap50 or 0.0,
        recall=recall or 0.0,
        images=len(labelled),
        boxes=boxes,
        detections=len(found),
        **levels,
    )


def average_precision(
    labelled: Sequence[LabelledPicture],
    predictions: Sequence[Prediction],
    *,
    overlap: float = 0.5,
    recalls: int = 101,
    level: str | None = None,
    classes: Sequence[str] = ("car",),
    mapping: Mapping[str, str] = CLASS_MAPPING,
) -> float | None:
    """AP as a fraction in [0, 1]; None where no box is counted.

    Args:
        labelled, predictions, classes, mapping: as for :func:`detection_score`.
        overlap: least IoU of a detection that is right.
        recalls: one of :data:`RECALLS`.
        level: one of :data:`LEVELS`, with the easier ones; None: all boxes.
    """
    levels = None if level is None else LEVELS[: LEVELS.index(level) + 1]
    truth, found = _truth(labelled, classes, mapping), _found(predictions, classes)
    matched = _matched(truth, found, len(labelled), len(classes), levels, overlap, RECALLS[recalls])
    return _accumulated(matched)[0]


def resampled_ap50(
    labelled: Sequence[LabelledPicture],
    predictions: Sequence[Prediction],
    draws: Sequence[Sequence[int]],
    classes: Sequence[str] = ("car",),
    mapping: Mapping[str, str] = CLASS_MAPPING,
) -> list[float]:
    """:attr:`DetectionScore.ap50` of drawn pictures, for each draw; for a bootstrap.

    A picture's detections are matched once, whatever the number of draws.

    Args:
        draws: places of pictures, as many as there are pictures; some stand there twice.

    Raises:
        ValueError: a draw of another length.
    """
    count = len(labelled)
    if any(len(rows) != count for rows in draws):
        raise ValueError(f"Each draw needs {count} places, as many as there are pictures.")
    truth, found = _truth(labelled, classes, mapping), _found(predictions, classes)
    evaluation = _matched(truth, found, count, len(classes), None)
    matched = [evaluation.evalImgs[i * count : (i + 1) * count] for i in range(len(classes))]
    scores = []
    for rows in draws:
        evaluation.evalImgs = [of_class[row] for of_class in matched for row in rows]
        scores.append(_accumulated(evaluation)[0] or 0.0)
    return scores


def _truth(
    labelled: Sequence[LabelledPicture], classes: Sequence[str], mapping: Mapping[str, str]
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for image, picture in enumerate(labelled):
        for box, name, ignored, level in zip(
            np.asarray(picture.boxes, dtype=np.float64).reshape(-1, 4),
            picture.classes,
            np.asarray(picture.ignore, dtype=bool).reshape(-1),
            picture.difficulty,
            strict=True,
        ):
            name = mapping.get(name.lower(), name.lower())
            # An ignore region is of no class (KITTI: DontCare), so it holds for every class.
            wanted = (
                range(len(classes))
                if ignored
                else [i for i, wanted_name in enumerate(classes) if wanted_name == name]
            )
            items += [
                {
                    "image": image,
                    "class": i + 1,
                    "box": box,
                    "ignored": bool(ignored),
                    "level": level,
                }
                for i in wanted
            ]
    return items


def _found(predictions: Sequence[Prediction], classes: Sequence[str]) -> list[dict[str, Any]]:
    number = {name: i + 1 for i, name in enumerate(classes)}
    return [
        {
            "image": image,
            "class": number[name],
            "box": np.asarray(box, dtype=np.float64),
            "score": float(score),
        }
        for image, prediction in enumerate(predictions)
        for box, score, name in zip(
            prediction["boxes"], prediction["scores"], prediction["labels"], strict=True
        )
        if name in number
    ]


def _evaluate(
    truth: list[dict[str, Any]],
    found: list[dict[str, Any]],
    images: int,
    classes: int,
    levels: tuple[str, ...] | None,
) -> tuple[float | None, float | None]:
    """(AP, recall) of the boxes whose level is in ``levels`` (None: of all); None without any."""
    return _accumulated(_matched(truth, found, images, classes, levels))


def _matched(
    truth: list[dict[str, Any]],
    found: list[dict[str, Any]],
    images: int,
    classes: int,
    levels: tuple[str, ...] | None,
    overlap: float = 0.5,
    recalls: np.ndarray = RECALLS[101],
) -> COCOeval:
    """With each picture's detections matched to its boxes."""
    annotations = []
    for item in truth:
        counted = levels is None or item["level"] in levels
        annotations.append(
            _annotation(item)
            | {
                "iscrowd": int(item["ignored"]),
                # COCOeval overwrites an "ignore" field, and iscrowd would match by intersection
                # over the detection; a size out of range is passed over and matched by IoU.
                "area": 1.0 if counted else 2 * _LARGEST_AREA,
            }
        )
    detections = [
        _annotation(item) | {"iscrowd": 0, "area": 1.0, "score": item["score"]} for item in found
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        evaluation = COCOeval(
            _coco(annotations, images, classes), _coco(detections, images, classes), "bbox"
        )
        evaluation.params.iouThrs = np.array([overlap])
        evaluation.params.recThrs = recalls
        evaluation.params.areaRng = [[0.0, _LARGEST_AREA]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.params.maxDets = [_MOST_DETECTIONS]
        evaluation.evaluate()
    return evaluation


def _accumulated(evaluation: COCOeval) -> tuple[float | None, float | None]:
    """(AP, recall) over the pictures' matches; None where no box is counted."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision = evaluation.eval["precision"][0, :, :, 0, 0]  # [101 recalls, classes]
    recall = evaluation.eval["recall"][0, :, 0, 0]  # [classes]
    seen = recall > -1
    if not seen.any():
        return None, None
    return float(precision[:, seen].mean()), float(recall[seen].mean())


def _annotation(item: dict[str, Any]) -> dict[str, Any]:
    x0, y0, x1, y1 = (float(v) for v in item["box"])
    return {
        "image_id": item["image"] + 1,
        "category_id": item["class"],
        "bbox": [x0, y0, x1 - x0, y1 - y0],
    }


def _coco(annotations: list[dict[str, Any]], images: int, classes: int) -> COCO:
    """A COCO data set in memory. Ids start at 1: pycocotools reads 0 as "not matched"."""
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i + 1} for i in range(images)],
        "categories": [{"id": i + 1} for i in range(classes)],
        "annotations": [a | {"id": i + 1} for i, a in enumerate(annotations)],
    }
    coco.createIndex()
    return coco
