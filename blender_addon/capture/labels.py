"""Labels of one frame: boxes, visibility, truncation, occlusion and 3-D boxes.

Definitions::

    visibility = pixels of the index map / pixels of the silhouette in the frame, at most 1
    truncation = 1 - silhouette's pixels in the frame / silhouette's pixels on the canvas
    occlusion  = 0 for visibility >= 0.8, 1 for >= 0.5, 2 for > 0, 3 for 0

The canvas is the frame and one frame's width or height beyond it on each side; an object that
lies wholly off it has truncation 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..contract.frames import Box, Box3D, ObjectLabel
from .silhouette import silhouettes
from .staging import StagedObject


def labels(
    objects: Sequence[StagedObject],
    index: np.ndarray,
    intrinsics: np.ndarray,
    pose: np.ndarray,
) -> tuple[ObjectLabel, ...]:
    """One label for each object whose index is not 0, in the objects' order.

    Args:
        objects: the stage's objects; each labelled one has an index of its own.
        index: H x W uint16 index map.
        intrinsics: 3 x 3 camera matrix, pixels.
        pose: 4 x 4 world to camera, OpenCV axes.

    Raises:
        ValueError: when an object, or the camera, stands nowhere.
    """
    if not (np.isfinite(intrinsics).all() and np.isfinite(pose).all()):
        raise ValueError("The camera's place or lens is not finite; give it numbers.")
    for item in objects:
        if not np.isfinite(item.matrix).all():
            raise ValueError(
                f"The object {item.node!r} stands at a place that is not finite; give it numbers."
            )
    labelled = [item for item in objects if item.index]
    height, width = index.shape
    amodal = silhouettes(labelled, intrinsics, pose, width, height)
    visible = _visible(index)
    found = []
    for n, item in enumerate(labelled):
        pixels, visible_box = visible.get(item.index, (0, None))
        inside, whole = int(amodal.inside[n]), int(amodal.whole[n])
        box = None if np.isnan(amodal.boxes[n, 0]) else _box(amodal.boxes[n])
        # Pixel centres can miss a tiny silhouette that a sample of the render has hit.
        visibility = min(pixels / max(inside, 1), 1.0)
        truncation = 1.0 - inside / whole if whole else float(not _touches(box, width, height))
        found.append(
            ObjectLabel(
                node=item.node,
                class_name=item.class_name,
                index=item.index,
                visible_pixels=pixels,
                visible_box=visible_box,
                amodal_box=box,
                visibility=visibility,
                truncation=truncation,
                occlusion=occlusion_level(visibility),
                box3d=box_3d(item, pose),
            )
        )
    return tuple(found)


def occlusion_level(visibility: float) -> int:
    """KITTI's level, 0 to 3, from a visibility in [0, 1]."""
    if visibility >= 0.8:
        return 0
    if visibility >= 0.5:
        return 1
    return 2 if visibility > 0 else 3


def box_3d(item: StagedObject, pose: np.ndarray) -> Box3D:
    """An object's 3-D box in KITTI's convention.

    The location is exact: the centre of the object's base in the camera's own, possibly pitched,
    axes, so that K projects it to the right pixel. KITTI's boxes turn about the camera's y axis
    only: ``rotation_y`` is the angle of the object's front projected on the camera's x-z plane.
    With a level camera that is the heading itself; a camera pitched by p leaves the box tilted
    by p against the object.
    """
    to_camera = pose @ item.matrix
    front = to_camera[:3, 0]
    length, width, height = (float(v) for v in item.dimensions)
    x, y, z = (float(v) for v in to_camera[:3, 3])
    return Box3D(height, width, length, (x, y, z), math.atan2(-front[2], front[0]) + 0.0)


def _visible(index: np.ndarray) -> dict[int, tuple[int, Box]]:
    """Index -> pixels and tight box, of every index in the map but 0."""
    at = np.flatnonzero(index)
    if len(at) == 0:
        return {}
    values = index.reshape(-1)[at]
    order = np.argsort(values, kind="stable")
    values, at = values[order], at[order]
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    y, x = np.divmod(at, index.shape[1])
    low = [np.minimum.reduceat(v, starts) for v in (x, y)]
    high = [np.maximum.reduceat(v, starts) + 1 for v in (x, y)]
    pixels = np.diff(np.r_[starts, len(at)])
    boxes = np.stack([*low, *high], axis=1)
    return {
        int(values[s]): (int(n), _box(b)) for s, n, b in zip(starts, pixels, boxes, strict=True)
    }


def _box(values: np.ndarray) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1


def _touches(box: Box | None, width: int, height: int) -> bool:
    return box is not None and box[0] < width and box[1] < height and box[2] > 0 and box[3] > 0
