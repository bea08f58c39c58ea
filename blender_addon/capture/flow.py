"""Optical flow from geometry: where each pixel's surface is seen in the next scene.

For a pixel with centre p = (x + 1/2, y + 1/2) and depth z::

    X  = z K^-1 (p, 1)              the point before the camera
    W  = P^-1 X                     in the world; P is the pose, world to camera
    W' = M' M^-1 W                  moved with its object; W' = W for what stands still
    p' = K' P' W' / (K' P' W')_z    seen by the next camera
    flow = p' - p

Sky lies at infinity and follows the camera's turning only: p' ~ K' R' R^-1 K^-1 (p, 1), R being the
pose's rotation. All is calculated in float64 and nothing is searched for in the pictures. A pixel's
depth is its first sample's, up to 3/4 of a pixel from its centre.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .silhouette import NEAR
from .staging import Stage, StagedObject


@dataclass(frozen=True)
class Viewpoint:
    """A camera.

    Attributes:
        intrinsics: 3 x 3 camera matrix K, pixels.
        pose: 4 x 4 world to camera, OpenCV axes.
    """

    intrinsics: np.ndarray
    pose: np.ndarray

    @classmethod
    def of(cls, stage: Stage, width: int, height: int) -> Viewpoint:
        """The camera of what a stage shows."""
        return cls(stage.camera_intrinsics(width, height), stage.camera_pose())


def motions(
    objects: Sequence[StagedObject], following: Sequence[StagedObject]
) -> dict[int, np.ndarray | None]:
    """Index -> 4 x 4 motion in the world, of labelled objects that move.

    Objects are the same when their node and class are. One that vanishes has None; those that
    stay where they are, are left out.
    """
    later = {(item.node, item.class_name): item for item in following}
    found: dict[int, np.ndarray | None] = {}
    for item in objects:
        if not item.index:
            continue
        other = later.get((item.node, item.class_name))
        if other is None:
            found[item.index] = None
        elif not np.array_equal(other.matrix, item.matrix):
            found[item.index] = other.matrix @ np.linalg.inv(item.matrix)
    return found


def optical_flow(
    depth: np.ndarray,
    index: np.ndarray,
    now: Viewpoint,
    then: Viewpoint,
    motion: Mapping[int, np.ndarray | None],
) -> np.ndarray:
    """H x W x 2 float32 (right, down), pixels to the next picture; see the formula above.

    NaN where the object vanishes or comes to lie behind the next camera.

    Args:
        depth: H x W, metres along the optical axis; infinite for the sky.
        index: H x W index map.
        now, then: the two cameras.
        motion: what :func:`motions` returned.
    """
    height, width = depth.shape
    rows, columns = np.mgrid[:height, :width] + 0.5
    pixels = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    # Homogeneous points (a, w) = (X / z, 1 / z): finite for near things and for the sky alike.
    points = np.concatenate(
        [np.linalg.solve(now.intrinsics, pixels), 1.0 / depth.reshape(1, -1).astype(np.float64)]
    )
    back = np.linalg.inv(now.pose)
    seen = (then.pose @ back @ points)[:3]
    flat = index.reshape(-1)
    for number in np.intersect1d(flat, np.fromiter(motion, np.int64, len(motion))):
        change, mine = motion[int(number)], flat == number
        seen[:, mine] = np.nan if change is None else _moved(points[:, mine], back, change, then)
    # Metres before the next camera are seen_z / w; the sky's are infinite.
    seen[:, ~(seen[2] > NEAR * points[3])] = np.nan
    projected = then.intrinsics @ seen
    flow = projected[:2] / projected[2] - pixels[:2]
    return np.ascontiguousarray(flow.T.reshape(height, width, 2), dtype=np.float32)


def _moved(points: np.ndarray, back: np.ndarray, change: np.ndarray, then: Viewpoint) -> np.ndarray:
    return (then.pose @ change @ back @ points)[:3]
