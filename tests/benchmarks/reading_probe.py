"""What a frozen ImageNet network tells of a picture's scene: ridge regression on one of its maps.

The map is that of stride 16; the last one tells what a picture is about rather than where. On
3,000 renders of traced light it reads 0.39 of the sun's azimuth, 0.41 elevation, 0.51 strength,
0.74 of the camera's yaw, 0.51 height and 0.61 field of view; the last map 0.26, 0.29, 0.45, 0.57,
0.42 and 0.43; both together 0.31, 0.34, 0.48, 0.66, 0.47 and 0.53. Earlier figures by another hand
were 0.31, 0.34, 0.44, 0.72, 0.47 and 0.66: as near to the first as to the third (squares of the
differences 0.021 and 0.022), and the first reads more, with a fourteenth of the features.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.networks.imagenet import file_network

GRID = (3, 5)
STAGES = 2
TOGETHER = 8  # pictures
LEAST_SCALE = 0.01  # of the features' mean standard deviation
PENALTIES = np.logspace(0, 7, 29)
# Name of the regression target -> the scene's node and attribute.
TARGETS = {
    "sun_elevation": ("sky", "sun_elevation"),
    "sun_strength": ("sky", "sun_strength"),
    "sky_strength": ("sky", "sky_strength"),
    "camera_yaw": ("camera", "yaw"),
    "camera_pitch": ("camera", "pitch"),
    "camera_height": ("camera", "height"),
    "camera_fov": ("camera", "fov"),
    "camera_exposure": ("camera", "exposure"),
    "lane_width": ("road", "lane_width"),
    "curvature": ("road", "curvature"),
}


@torch.no_grad()
def features(images: np.ndarray, weights: Path, grid: tuple[int, int] = GRID) -> np.ndarray:
    """[N, C x rows x columns] float32: the map of stride 16, pooled.

    Args:
        images: [N, H, W, 3] uint8.
        weights: of MobileNetV2, as TensorFlow trained it.
    """
    network = file_network(weights)
    found = []
    for start in range(0, len(images), TOGETHER):
        part = torch.from_numpy(images[start : start + TOGETHER])
        *_, seen = network.stages(part.permute(0, 3, 1, 2).float() / 255, STAGES)
        found.append(functional.adaptive_avg_pool2d(seen, grid).flatten(1).numpy())
    return np.concatenate(found)


def targets(scenes: Sequence[SceneGraph]) -> dict[str, np.ndarray]:
    """Regression targets, each [N, K]."""
    found = {
        name: np.array([[scene.of_class(kind)[0].attributes[attribute]] for scene in scenes], float)
        for name, (kind, attribute) in TARGETS.items()
    }
    azimuth = np.radians(
        [scene.of_class("sky")[0].attributes["sun_azimuth"] for scene in scenes], dtype=float
    )
    return {"sun_azimuth": np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1), **found}


class Ridge:
    """Ridge regressions of many targets on one set of features, in the rows' space.

    Each target's penalty is chosen by leave-one-out cross-validation on the rows trained on.

    Args:
        x: [N, D] features; they are standardised.
        trained: [N] bool, the rows to train on.
    """

    def __init__(self, x: np.ndarray, trained: np.ndarray) -> None:
        own = x[trained].astype(np.float64)
        scale = own.std(axis=0)
        # What hardly varied where it was trained must not grow beyond measure elsewhere.
        z = (x - own.mean(axis=0)) / np.maximum(scale, LEAST_SCALE * scale.mean())
        self.trained = trained
        self._products = z @ z[trained].T
        values, self._vectors = np.linalg.eigh(self._products[trained])
        self._values = np.maximum(values, 0)

    def explained(self, y: np.ndarray, scored: np.ndarray) -> float:
        """R2 over the scored rows, over the columns of y together."""
        own = y[self.trained]
        middle = own.mean(axis=0)
        turned = self._vectors.T @ (own - middle)
        errors = [self._left_out(own - middle, turned, penalty) for penalty in PENALTIES]
        penalty = PENALTIES[int(np.argmin(errors))]
        weights = self._vectors @ (turned / (self._values + penalty)[:, None])
        answer = self._products[scored] @ weights + middle
        rest = ((y[scored] - answer) ** 2).sum()
        return float(1 - rest / ((y[scored] - y[scored].mean(axis=0)) ** 2).sum())

    def _left_out(self, y: np.ndarray, turned: np.ndarray, penalty: float) -> float:
        """Mean squared error of leave-one-out cross-validation, in closed form."""
        share = self._values / (self._values + penalty)
        fitted = self._vectors @ (share[:, None] * turned)
        own = (self._vectors**2) @ share + 1 / len(y)
        return float((((y - fitted) / (1 - own)[:, None]) ** 2).mean())
