"""KITTI's 3-D boxes of a pitched camera, projected as KITTI's devkit does, lie on their objects.

The truth is a cuboid in the world, projected by the camera's pose and K alone.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from street_frames import frame

from blender_addon.capture.labels import box_3d
from metasim_backend.datasets.writers.kitti import calibration, label_line, level_axes

LENGTH, WIDTH, HEIGHT = 4.2, 1.8, 1.5
BOX = (0, 0, 10, 10)


def pose_of(pitch, roll=0.0, yaw=0.0, height=1.6):
    """World (z up) to a camera that looks along +x before it is turned (degrees)."""
    p, r, y = (math.radians(v) for v in (pitch, roll, yaw))
    ahead = np.array([math.cos(p) * math.cos(y), math.cos(p) * math.sin(y), math.sin(p)])
    right = np.array([math.sin(y), -math.cos(y), 0.0])
    down = np.cross(ahead, right)
    right, down = (
        math.cos(r) * right + math.sin(r) * down,
        -math.sin(r) * right + math.cos(r) * down,
    )
    pose = np.eye(4)
    pose[:3, :3] = [right, down, ahead]
    pose[:3, 3] = -pose[:3, :3] @ [0.0, 0.0, height]
    return pose


def car(x, y, heading):
    """Local to world: its base's centre stands on the ground."""
    h = math.radians(heading)
    matrix = np.eye(4)
    matrix[:3, :3] = [[math.cos(h), -math.sin(h), 0], [math.sin(h), math.cos(h), 0], [0, 0, 1]]
    matrix[:3, 3] = [x, y, 0]
    return matrix


def truth(matrix, pose, k):
    """The cuboid's corners in pixels counted from their centres, [8, 2]."""
    corners = np.array(
        [
            [a * LENGTH / 2, b * WIDTH / 2, c * HEIGHT, 1]
            for a in (-1, 1)
            for b in (-1, 1)
            for c in (0, 1)
        ]
    )
    seen = k @ (pose @ matrix @ corners.T)[:3]
    return (seen[:2] / seen[2]).T - 0.5


def devkit(line, calib):
    """Corners after the devkit's computeBox3D and projectToImage, [8, 2]."""
    words = [float(v) for v in line.split()[1:]]
    h, w, length, x, y, z, turn = words[7:14]
    p2 = np.array(calib.splitlines()[2].split()[1:], float).reshape(3, 4)
    around = np.array(
        [
            [math.cos(turn), 0, math.sin(turn)],
            [0, 1, 0],
            [-math.sin(turn), 0, math.cos(turn)],
        ]
    )
    corners = np.array(
        [[a * length / 2, -h * c, b * w / 2] for a in (-1, 1) for b in (-1, 1) for c in (0, 1)]
    )
    placed = around @ corners.T + np.array([[x], [y], [z]])
    seen = p2 @ np.vstack([placed, np.ones(8)])
    return (seen[:2] / seen[2]).T


@pytest.mark.parametrize("pitch", [-9.0, 0.0, 6.0])
@pytest.mark.parametrize("roll", [0.0, 4.0])
def test_projected_boxes_are_the_objects(pitch, roll):
    k = np.array([[700.0, 0, 310.0], [0, 700.0, 94.0], [0, 0, 1]])
    pose = pose_of(pitch, roll, yaw=7.0)
    level = level_axes(pose)
    calib = calibration(k, level)
    (label, *_) = frame().labels
    for x, y, heading in ((14, 2, 0), (12, -3, 37), (25, 5, 140), (9, 0.5, 90), (40, -8, 200)):
        matrix = car(x, y, heading)
        staged = SimpleNamespace(matrix=matrix, dimensions=(LENGTH, WIDTH, HEIGHT))
        line = label_line(replace(label, box3d=box_3d(staged, pose)), BOX, level)
        # Two decimals are some tenths of a pixel; a box that is tilted is off by whole ones.
        worst = np.abs(devkit(line, calib) - truth(matrix, pose, k)).max()
        assert worst < 1.0, (x, y, heading, worst)
        alpha, turn = float(line.split()[3]), float(line.split()[14])
        lx, lz = (float(line.split()[n]) for n in (11, 13))
        assert math.remainder(alpha - (turn - math.atan2(lx, lz)), 2 * math.pi) == pytest.approx(
            0, abs=0.02
        )


def test_a_level_camera_has_the_axes_of_its_labels():
    assert level_axes(pose_of(0.0)) == pytest.approx(np.eye(3))
    pitched = level_axes(pose_of(5.0))
    assert pitched.T @ pitched == pytest.approx(np.eye(3))
    assert np.linalg.det(pitched) == pytest.approx(1)
    assert level_axes(pose_of(90.0)) == pytest.approx(np.eye(3))  # nothing is ahead
