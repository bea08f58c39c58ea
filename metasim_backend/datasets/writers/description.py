"""A frame and its objects in words and numbers, as the formats keep them that are JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from pycocotools import mask as run_lengths

from blender_addon.contract.frames import Frame, ObjectLabel


def picture_description(frame: Frame) -> dict[str, object]:
    """Size in pixels and camera: intrinsics 3 x 3, pose 4 x 4 from world to camera (OpenCV)."""
    width, height = frame.size
    return {
        "width": width,
        "height": height,
        "camera": {
            "intrinsics": np.asarray(frame.intrinsics, float).tolist(),
            "pose": np.asarray(frame.pose, float).tolist(),
        },
    }


def object_description(
    label: ObjectLabel, mask: np.ndarray, box: tuple[int, int, int, int]
) -> dict[str, object]:
    """All that is known of an object but its class, under COCO's names where COCO has one.

    Args:
        mask: H x W bool.
        box: (x0, y0, x1, y1) in pixels; x1 and y1 are exclusive.
    """
    encoded = run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))
    amodal = label.amodal_box
    return {
        "bbox": left_top_size(box),
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": {
            "size": [int(n) for n in encoded["size"]],
            "counts": encoded["counts"].decode("ascii"),
        },
        "amodal_bbox": None
        if amodal is None
        else [round(float(v), 3) for v in left_top_size(amodal)],
        "visibility": round(float(label.visibility), 6),
        "truncation": round(float(label.truncation), 6),
        "occlusion": int(label.occlusion),
        "node": label.node,
        "box3d": None if label.box3d is None else asdict(label.box3d),
    }


def left_top_size(box: Sequence[float]) -> list[float]:
    """(x0, y0, x1, y1) as [x, y, width, height]."""
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]
