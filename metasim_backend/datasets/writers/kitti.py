"""KITTI's object form: ``image_2/000000.png``, ``label_2/000000.txt`` and ``calib/000000.txt``.

KITTI counts pixels from their centres, Frames from their corners. So right and bottom are written
as the last pixel of the box (x1 - 1, y1 - 1), and the principal point in P2 as c - 0.5. There is
one camera: P0 ... P3 are equal, R0_rect is the identity and the lidar's frame has its axes
(x forward, y left, z up) at the camera's place.

KITTI's 3-D boxes turn about the vertical alone. A box in the axes of a camera that looks up or
down would be tilted against its object. So boxes are written in level axes (y straight down) at the
camera's place, and P2 is K times the turn from there to the camera, as after a rectification.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.datasets.sample_files import png_bytes, sample_name, visible_objects
from metasim_backend.datasets.writers.files_per_sample import FilesPerSample

TYPES = {
    "car": "Car",
    "van": "Van",
    "truck": "Truck",
    "bus": "Misc",
    "caravan": "Misc",
    "person": "Pedestrian",
    "cyclist": "Cyclist",
}
_NO_BOX3D = "-1.00 -1.00 -1.00 -1000.00 -1000.00 -1000.00 -10.00"
_STRAIGHT = 1e-6
_VELO_TO_CAM = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0]], dtype=np.float64)


class KittiWriter(FilesPerSample):
    """See :func:`metasim_backend.datasets.writers.writer.open_writer`.

    Classes that KITTI does not have are written as Misc.
    """

    parts = ("image_2", "label_2", "calib")

    @staticmethod
    def form() -> dict[str, object]:
        # The boxes of earlier versions had the camera's axes.
        return {"format": "kitti", "boxes": "level"}

    def write(self, index: int, frame: Frame) -> None:
        image, calib, label = (self._folder / path for path in self.paths(index))
        level = level_axes(frame.pose)
        lines = [
            label_line(item, box, level)
            for item, _, box in visible_objects(frame, self._classes, self._min_pixels)
        ]
        self._files.write(image, png_bytes(frame.image))
        self._files.write(calib, calibration(frame.intrinsics, level).encode())
        self._files.write(label, "".join(f"{line}\n" for line in lines).encode())

    def finish(self) -> Path:
        self._files.sweep()
        return self._folder

    def paths(self, index: int) -> tuple[Path, ...]:
        name = sample_name(index)
        return (
            Path("image_2", f"{name}.png"),
            Path("calib", f"{name}.txt"),
            Path("label_2", f"{name}.txt"),
        )


def level_axes(pose: np.ndarray) -> np.ndarray:
    """[3, 3], from level axes (x right, y straight down, z ahead) to a camera's.

    Args:
        pose: 4 x 4, world (z up) to camera.
    """
    down = -pose[:3, 2] / np.linalg.norm(pose[:3, 2])
    ahead = np.array([0.0, 0.0, 1.0]) - down[2] * down
    length = np.linalg.norm(ahead)
    if length < _STRAIGHT:  # straight up or down: no direction is ahead
        return np.eye(3)
    ahead = ahead / length
    return np.stack([np.cross(down, ahead), down, ahead], axis=1)


def label_line(label: ObjectLabel, box: tuple[int, int, int, int], level: np.ndarray) -> str:
    """The 15 fields of one object.

    Args:
        box: x1 and y1 are exclusive.
        level: of :func:`level_axes`.
    """
    x0, y0, x1, y1 = box
    alpha, box3d = -10.0, _NO_BOX3D
    if label.box3d is not None:
        b = label.box3d
        x, y, z = level.T @ b.location
        # The label has the front's direction as the camera's x-z plane shows it.
        seen = (math.cos(b.rotation_y), -math.sin(b.rotation_y))
        right, ahead = np.linalg.solve(level[np.ix_([0, 2], [0, 2])], seen)
        turn = math.atan2(-ahead, right)
        alpha = _wrapped(turn - math.atan2(x, z))
        numbers = (b.height, b.width, b.length, x, y, z, turn)
        box3d = " ".join(_number(v) for v in numbers)
    return (
        f"{TYPES.get(label.class_name, 'Misc')} {_number(label.truncation)} {label.occlusion} "
        f"{_number(alpha)} {x0:.2f} {y0:.2f} {x1 - 1:.2f} {y1 - 1:.2f} {box3d}"
    )


def calibration(intrinsics: np.ndarray, level: np.ndarray) -> str:
    """A calib file's text for a 3 x 3 K whose pixel (0, 0) has its centre at (0.5, 0.5).

    Args:
        level: of :func:`level_axes`.
    """
    k = np.array(intrinsics, dtype=np.float64)
    k[:2, 2] -= 0.5
    camera = np.hstack([k @ level, np.zeros((3, 1))])
    rows = [(f"P{i}", camera) for i in range(4)]
    rows += [
        ("R0_rect", np.eye(3)),
        ("Tr_velo_to_cam", _VELO_TO_CAM),
        ("Tr_imu_to_velo", np.eye(3, 4)),
    ]
    return "".join(
        f"{name}: {' '.join(f'{v:.12e}' for v in matrix.reshape(-1))}\n" for name, matrix in rows
    )


def _number(value: float) -> str:
    return f"{float(value) + 0.0:.2f}".replace("-0.00", "0.00")


def _wrapped(angle: float) -> float:
    """The angle in [-pi, pi]."""
    return math.remainder(angle, 2 * math.pi)
