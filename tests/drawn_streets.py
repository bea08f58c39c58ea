"""Street pictures drawn with numpy: car-like blocks at several sizes on a textured background."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blender_addon.contract.frames import Frame, ObjectLabel
from metasim_backend.tasks.detection_targets import AugmentationSettings

TINY = {
    "masks": False,
    "pyramid_channels": 16,
    "head_features": 32,
    "rpn_before_nms": 50,
    "rpn_after_nms": 50,
    "rpn_samples": 32,
    "box_samples": 16,
    "augmentation": AugmentationSettings(crop=64),
}
"""Of a detector that a test trains in no time."""
COLOURS = ((225, 225, 225), (150, 155, 160), (35, 35, 40), (40, 70, 150), (170, 30, 30))


def _paint(image, index, box, colour, value=0):
    height, width = index.shape
    x0, y0, x1, y1 = (int(round(v)) for v in box)
    region = np.s_[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    image[region] = colour
    if value:
        index[region] = value
    return index


def _paint_car(image, index, x, bottom, width, colour, value):
    height = 0.75 * width
    left, top = x - width / 2, bottom - height
    body = (left, top + 0.42 * height, left + width, bottom - 0.12 * height)
    cabin = (left + 0.14 * width, top, left + 0.86 * width, top + 0.46 * height)
    glass = (left + 0.2 * width, top + 0.08 * height, left + 0.8 * width, top + 0.4 * height)
    _paint(image, index, cabin, np.multiply(colour, 0.8), value)
    _paint(image, index, glass, (25, 35, 45), value)
    _paint(image, index, body, colour, value)
    for side in (0.04, 0.74):
        wheel = (left + side * width, bottom - 0.3 * height, left + (side + 0.22) * width, bottom)
        _paint(image, index, wheel, (15, 15, 15), value)
        lamp = (
            left + side * width,
            top + 0.5 * height,
            left + (side + 0.18) * width,
            top + 0.62 * height,
        )
        _paint(image, index, lamp, (200, 40, 40), value)


def draw_street(rng: np.random.Generator, width: int = 160, height: int = 96) -> Frame:
    """One frame with 0 to 5 cars in front of sky, buildings and road."""
    horizon = height * rng.uniform(0.35, 0.5)
    image = np.zeros((height, width, 3))
    rows = np.arange(height)[:, None, None]
    sky, ground = rng.uniform(140, 230, 3), rng.uniform(70, 130) + rng.uniform(-10, 10, 3)
    image[:] = np.where(rows < horizon, sky, ground)
    nothing = np.zeros((height, width), dtype=np.uint16)
    for _ in range(rng.integers(3, 9)):
        x, wide, tall = rng.uniform(0, width), rng.uniform(8, 50), rng.uniform(10, 40)
        bottom = horizon + rng.uniform(0, 8)
        box = (x - wide / 2, bottom - tall, x + wide / 2, bottom)
        _paint(image, nothing.copy(), box, rng.uniform(40, 210, 3))
        for _ in range(4):
            wx, wy = rng.uniform(box[0], box[2]), rng.uniform(box[1], box[3])
            _paint(image, nothing.copy(), (wx, wy, wx + 4, wy + 5), rng.uniform(20, 120, 3))
    image = (
        image
        + rng.normal(0, 14, (height // 4 + 1, width // 4 + 1, 1))
        .repeat(4, 0)
        .repeat(4, 1)[:height, :width]
    )
    index = np.zeros((height, width), dtype=np.uint16)
    cars = sorted(float(v) for v in rng.uniform(0.12, 1, rng.integers(0, 6)))
    alone = []
    for value, near in enumerate(cars, start=1):
        car = (
            rng.uniform(0, width),
            horizon + near * 0.95 * (height - horizon),
            12 + near * 0.32 * width,
            np.array(COLOURS[rng.integers(len(COLOURS))]),
        )
        _paint_car(image, index, *car, value)
        silhouette = np.zeros_like(index)
        _paint_car(image.copy(), silhouette, *car, value)
        alone.append(silhouette > 0)
    image = image + rng.normal(0, 5, image.shape)
    labels = []
    for value, silhouette in enumerate(alone, start=1):
        mask = index == value
        box = None
        if mask.any():
            ys, xs = np.nonzero(mask)
            box = (float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1))
        labels.append(
            ObjectLabel(
                node=f"car_{value}",
                class_name="car" if value % 3 else "van",
                index=value,
                visible_pixels=int(mask.sum()),
                visible_box=box,
                amodal_box=box,
                visibility=float(mask.sum() / max(silhouette.sum(), 1)),
                truncation=0.0,
                occlusion=0,
            )
        )
    return Frame(
        image=np.clip(image, 0, 255).astype(np.uint8),
        index=index,
        depth=np.ones((height, width), np.float32),
        labels=tuple(labels),
        intrinsics=np.eye(3),
        pose=np.eye(4),
    )


class DrawnStreets:
    """A renderer whose frames depend on their scene's seed alone, and that counts them."""

    name = "drawn"

    def __init__(self) -> None:
        self.rendered = 0

    def render(self, scenes, settings, progress=None):
        self.rendered += len(scenes)
        frames = [
            draw_street(np.random.default_rng(scene.seed), one.width, one.height)
            for scene, one in zip(scenes, settings, strict=True)
        ]
        return [
            replace(frame, image=(frame.image / 255).astype(np.float16)) if one.linear else frame
            for frame, one in zip(frames, settings, strict=True)
        ]

    def close(self) -> None:
        pass
