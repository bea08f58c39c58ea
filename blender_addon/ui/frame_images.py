"""A rendered frame as Blender images: the picture, the objects, their masks, classes and depth."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from ..contract.frames import Frame
from .label_colours import CITYSCAPES_COLOURS, class_table, table

PICTURE, OBJECTS, MASKS, CLASSES, DEPTH = (
    f"Meta-Sim {name}" for name in ("picture", "objects", "masks", "classes", "depth")
)
NAMES = (PICTURE, OBJECTS, MASKS, CLASSES, DEPTH)
LABELS = "metasim_labels"  # custom property of the pictures: their labels as JSON
SCENE = "metasim_scene"  # and which scene graph they show
SEEN = "metasim_classes"  # of the picture of classes: those that are to be seen
TINT = 0.45  # opacity of a mask


def frame_pixels(frame: Frame) -> dict[str, np.ndarray]:
    """Pixels of every image, H x W x 4 float32 in [0, 1], the top row first; needs no Blender."""
    height, width = frame.index.shape
    colours = table(int(frame.index.max(initial=0)))[frame.index]
    labelled = frame.index > 0
    near = np.divide(1.0, frame.depth, out=np.zeros_like(frame.depth), where=frame.depth > 0)
    shade = np.clip(near / max(float(near.max(initial=0.0)), 1e-6), 0, 1) ** 0.5
    parts = {
        PICTURE: frame.image.astype(np.float32) / 255.0,
        OBJECTS: colours,
        MASKS: colours,
        DEPTH: np.repeat(shade[..., None], 3, axis=2).astype(np.float32),
    }
    if frame.semantic is not None:
        parts[CLASSES] = class_table()[frame.semantic]
    found = {}
    for name, rgb in parts.items():
        pixels = np.ones((height, width, 4), np.float32)
        pixels[..., :3] = rgb
        if name == MASKS:
            pixels[..., 3] = np.where(labelled, TINT, 0.0)
        found[name] = pixels
    return found


def labels_text(frame: Frame) -> str:
    """The labels as an image keeps them."""
    return json.dumps([asdict(label) for label in frame.labels])


def to_images(pixels: dict[str, np.ndarray], labels: str, scene: str) -> Any:
    """Write the pixels into Blender's images, made when they are not there.

    Args:
        pixels: of :func:`frame_pixels`.
        labels: of :func:`labels_text`.
        scene: the scene graph that they show, as text.

    Returns:
        The picture.
    """
    for name, values in pixels.items():
        image = _image(name, values.shape[1], values.shape[0])
        image.pixels.foreach_set(np.ascontiguousarray(values[::-1]).ravel())
        image.pack()  # else the file keeps it black, and Blender asks to save it when it is left
        image.use_fake_user = True  # most are in no editor, and would not be saved
        image[LABELS], image[SCENE] = labels, digest(scene)
        if name == CLASSES:
            image[SEEN] = ";".join(sorted(classes_in(values)))
    return bpy.data.images[PICTURE]


def classes_in(pixels: np.ndarray) -> list[str]:
    """Cityscapes' classes in the pixels of the picture of classes; of alike ones the first."""
    names = {tuple(colour): name for name, colour in reversed(list(CITYSCAPES_COLOURS.items()))}
    rgb = np.rint(255 * pixels[..., :3]).astype(np.uint8).reshape(-1, 3)
    return [names[tuple(map(int, colour))] for colour in np.unique(rgb, axis=0)]


@lru_cache(maxsize=4)
def digest(scene: str) -> str:
    """A short name for a scene graph's text."""
    return hashlib.sha256(scene.encode()).hexdigest()


def shows(image: Any, scene: str) -> bool:
    """Whether an image was rendered of just this scene graph."""
    return image.get(SCENE) == digest(scene)


def image_labels(image: Any) -> list[dict]:
    """The labels that belong to an image; empty for images that are not ours."""
    text = image.get(LABELS, "") if image is not None else ""
    return json.loads(text) if text else []


def _image(name: str, width: int, height: int) -> Any:
    image = bpy.data.images.get(name)
    if image is None:
        image = bpy.data.images.new(name, width, height, alpha=name == MASKS)
    if tuple(image.size) != (width, height):
        image.scale(width, height)
    return image
