"""What the detector learns from a frame: pictures, boxes, labels and masks, and their augmentation.

All randomness is drawn from one ``torch.Generator`` on the CPU, so that a training run can be
repeated and continued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from blender_addon.contract.frames import Frame, ObjectLabel

_GREY = (0.299, 0.587, 0.114)
LEAST_INSIDE = 0.2
"""A box of which less than this share is left by a cut is not learnt from."""
LEAST_SIDE = 4.0
"""Pixels of a box's side that a cut must leave."""
NEAREST = 0.1
"""Metres before the camera to which nearer corners are moved."""


@dataclass(frozen=True)
class AugmentationSettings:
    """Changes to training pictures that a detector must not mind.

    Attributes:
        flip: chance of a mirror image.
        scale: the picture is resized by a factor drawn (log-uniformly) from this range.
        brightness: the picture is multiplied by 1 ± this.
        contrast: its distance to its mean grey is multiplied by 1 ± this.
        saturation: its distance to its own greys is multiplied by 1 ± this.
        noise: standard deviation (of 1) of pixel noise, at most.
        blur: standard deviation in pixels of a Gaussian blur, at most.
        crop: side in pixels of the square that is cut out of the resized picture at a random place;
            0: the picture stays whole.
    """

    flip: float = 0.5
    scale: tuple[float, float] = (0.8, 1.25)
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    noise: float = 0.04
    blur: float = 1.0
    crop: int = 0


NO_AUGMENTATION = AugmentationSettings(
    flip=0, scale=(1, 1), brightness=0, contrast=0, saturation=0, noise=0, blur=0
)


@dataclass(frozen=True, eq=False)
class DetectionTarget:
    """The objects to be found in one picture.

    Attributes:
        boxes: [n, 4] float32, (x0, y0, x1, y1) in pixels, x1 and y1 exclusive.
        labels: [n] int64, 1 + the index of the class; 0 is background.
        masks: [n, H, W] uint8, 1 where the object is visible; None: for a detector without masks.
    """

    boxes: torch.Tensor
    labels: torch.Tensor
    masks: torch.Tensor | None

    def to(self, device: torch.device | str) -> dict[str, torch.Tensor]:
        """As torchvision's detectors take it."""
        given = {"boxes": self.boxes, "labels": self.labels}
        if self.masks is not None:
            given["masks"] = self.masks
        return {name: value.to(device) for name, value in given.items()}


def picture_tensor(image: np.ndarray) -> torch.Tensor:
    """H x W x 3 picture, uint8 or float in [0, 1], to [3, H, W] float32 in [0, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1).to(torch.float32)
    return tensor / 255 if image.dtype == np.uint8 else tensor


def target_of(
    frame: Frame,
    classes: Sequence[str],
    mapping: Mapping[str, str],
    min_pixels: int,
    min_visibility: float,
    whole: bool = False,
) -> DetectionTarget:
    """The objects of a frame that show at least ``min_pixels`` and ``min_visibility``.

    Args:
        whole: boxes are those of the whole object, as far as the picture reaches, as KITTI has
            them; else they are tight around the visible pixels, as the masks are.
    """
    boxes, labels, masks = [], [], []
    for label in frame.labels:
        name = mapping.get(label.class_name, label.class_name)
        if name not in classes or label.visible_box is None or label.visibility < min_visibility:
            continue
        mask = frame.mask(label)
        if int(mask.sum()) < min_pixels:
            continue
        box = whole_box(label, frame) if whole else None
        if box is None:
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        boxes.append(box)
        labels.append(1 + list(classes).index(name))
        masks.append(mask)
    height, width = frame.index.shape
    stacked = np.stack(masks) if masks else np.zeros((0, height, width), dtype=bool)
    return DetectionTarget(
        torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(labels, dtype=torch.int64),
        torch.from_numpy(stacked.astype(np.uint8)),
    )


def whole_box(label: ObjectLabel, frame: Frame) -> tuple[float, float, float, float] | None:
    """What of a label's 3-D box the picture shows, hidden or not; None without one.

    KITTI's 2-D boxes are these, also of cars that others hide: within 2 % in its training set.
    """
    solid = label.box3d
    if solid is None:
        return None
    turn = np.array(
        [
            [np.cos(solid.rotation_y), 0, np.sin(solid.rotation_y)],
            [0, 1, 0],
            [-np.sin(solid.rotation_y), 0, np.cos(solid.rotation_y)],
        ]
    )
    corners = np.array(
        [
            (along * solid.length, down * solid.height, across * solid.width)
            for along in (-0.5, 0.5)
            for down in (-1, 0)
            for across in (-0.5, 0.5)
        ]
    )
    seen = corners @ turn.T + solid.location
    seen[:, 2] = np.maximum(seen[:, 2], NEAREST)
    points = seen @ np.asarray(frame.intrinsics).T
    points = points[:, :2] / points[:, 2:]
    width, height = frame.size
    x0, y0 = points.min(axis=0).clip(0, (width, height))
    x1, y1 = points.max(axis=0).clip(0, (width, height))
    return (x0, y0, x1, y1) if x1 - x0 >= 1 and y1 - y0 >= 1 else None


def resized(
    picture: torch.Tensor, target: DetectionTarget, factor: float
) -> tuple[torch.Tensor, DetectionTarget]:
    """Resize a [3, H, W] picture and its target by ``factor``."""
    if factor == 1:
        return picture, target
    height, width = picture.shape[-2:]
    size = (max(round(height * factor), 1), max(round(width * factor), 1))
    scale = torch.tensor([size[1] / width, size[0] / height] * 2, dtype=torch.float32)
    masks = target.masks
    if masks is not None and len(masks):
        masks = functional.interpolate(masks[:, None].float(), size=size)[:, 0].to(torch.uint8)
    elif masks is not None:
        masks = masks.new_zeros((0, *size))
    picture = functional.interpolate(
        picture[None], size=size, mode="bilinear", align_corners=False, antialias=factor < 1
    )[0]
    return picture, DetectionTarget(target.boxes * scale, target.labels, masks)


def mirrored(
    picture: torch.Tensor, target: DetectionTarget
) -> tuple[torch.Tensor, DetectionTarget]:
    """The mirror image (left and right swapped) of a [3, H, W] picture and its target."""
    width = picture.shape[-1]
    x0, y0, x1, y1 = target.boxes.unbind(1)
    boxes = torch.stack([width - x1, y0, width - x0, y1], dim=1)
    masks = None if target.masks is None else target.masks.flip(-1)
    return picture.flip(-1), DetectionTarget(boxes, target.labels, masks)


def cut(
    picture: torch.Tensor, target: DetectionTarget, window: tuple[int, int, int, int]
) -> tuple[torch.Tensor, DetectionTarget]:
    """A window (x0, y0, x1, y1) of a [C, H, W] picture; objects that are nearly gone are left out.

    Those that are cut keep the part of their box that is inside.
    """
    x0, y0, x1, y1 = window
    moved = target.boxes - target.boxes.new_tensor([x0, y0, x0, y0])
    inside = moved.clamp_min(0).minimum(moved.new_tensor([x1 - x0, y1 - y0] * 2))
    sides = (inside[:, 2:] - inside[:, :2]).clamp_min(0)
    before = (moved[:, 2:] - moved[:, :2]).prod(1).clamp_min(1e-6)
    kept = (sides.prod(1) / before >= LEAST_INSIDE) & (sides >= LEAST_SIDE).all(1)
    masks = None if target.masks is None else target.masks[kept, y0:y1, x0:x1]
    return picture[:, y0:y1, x0:x1], DetectionTarget(inside[kept], target.labels[kept], masks)


def _random_window(
    height: int, width: int, side: int, generator: torch.Generator
) -> tuple[int, int, int, int]:
    """A square, or what of it fits into the picture, at a random place."""
    across, down = min(side, width), min(side, height)
    x0, y0 = (
        int(torch.randint(size + 1, (), generator=generator))
        for size in (width - across, height - down)
    )
    return x0, y0, x0 + across, y0 + down


def augmented(
    picture: torch.Tensor,
    target: DetectionTarget,
    settings: AugmentationSettings,
    generator: torch.Generator,
    upscale: float = 1.0,
) -> tuple[torch.Tensor, DetectionTarget]:
    """A randomly changed copy of a [3, H, W] picture (uint8, or float in [0, 1]) and its target.

    Seven numbers are drawn whatever the settings, a window where pictures are cut, and noise when
    there is any.
    """
    draw = torch.rand(7, generator=generator).tolist()
    low, high = settings.scale
    factor = upscale * low * (high / low) ** draw[0]
    if settings.crop:  # cut first: to resize all of a large picture takes longer than a step
        height, width = picture.shape[-2:]
        window = _random_window(height, width, round(settings.crop / factor), generator)
        picture, target = cut(picture, target, window)
    if picture.dtype == torch.uint8:
        picture = picture.float() / 255
    picture, target = resized(picture, target, factor)
    if draw[1] < settings.flip:
        picture, target = mirrored(picture, target)
    if settings.blur:
        picture = _blurred(picture, settings.blur * draw[2])
    grey = (picture * picture.new_tensor(_GREY)[:, None, None]).sum(0, keepdim=True)
    picture = grey + (picture - grey) * _around_one(settings.saturation, draw[3])
    picture = grey.mean() + (picture - grey.mean()) * _around_one(settings.contrast, draw[4])
    picture = picture * _around_one(settings.brightness, draw[5])
    if settings.noise:
        noise = torch.randn(picture.shape, generator=generator)
        picture = picture + settings.noise * draw[6] * noise
    return picture.clamp(0, 1), target


def _around_one(spread: float, draw: float) -> float:
    return 1 + spread * (2 * draw - 1)


def _blurred(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    if sigma < 0.3:  # the kernel is a single pixel
        return picture
    reach = max(1, round(2.5 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    padded = functional.pad(picture[:, None], [reach] * 4, mode="replicate")
    rows = functional.conv2d(padded, kernel[None, None, None, :])
    return functional.conv2d(rows, kernel[None, None, :, None])[:, 0]
