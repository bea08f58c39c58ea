"""What a frozen ImageNet network tells of a picture's scene: ridge regression on its last map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.matching.imagenet_networks import file_network

GRID = (3, 5)
TOGETHER = 8  # pictures
TRAINED = 0.8
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
    """[N, C x rows x columns] float32: the last map, pooled.

    Args:
        images: [N, H, W, 3] uint8.
        weights: of MobileNetV2, as TensorFlow trained it.
    """
    network = file_network(weights)
    found = []
    for start in range(0, len(images), TOGETHER):
        part = torch.from_numpy(images[start : start + TOGETHER])
        *_, last = network(part.permute(0, 3, 1, 2).float() / 255)
        found.append(functional.adaptive_avg_pool2d(last, grid).flatten(1).numpy())
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


def explained(
    x: np.ndarray, y: np.ndarray, trained: np.ndarray, scored: np.ndarray | None = None
) -> float:
    """R2 of ridge regression on held-out rows, over the columns of y together.

    The penalty is chosen by leave-one-out cross-validation on the rows trained on.

    Args:
        x: [N, D] features; they are standardised.
        y: [N, K] regression targets.
        trained: [N] bool, the rows to train on.
        scored: [N] bool, the rows to score on; None: all others.
    """
    return Ridge(x, trained).explained(y, ~trained if scored is None else scored)


class Ridge:
    """Ridge regressions of many targets on one set of features, in the rows' space.

    Args:
        x: [N, D] features.
        trained: [N] bool.
    """

    def __init__(self, x: np.ndarray, trained: np.ndarray) -> None:
        own = x[trained].astype(np.float64)
        scale = own.std(axis=0)
        z = (x - own.mean(axis=0)) / np.where(scale > 1e-8, scale, np.inf)
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
