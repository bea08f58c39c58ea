"""Many labelled frames on one sheet: each picture with its boxes, its objects and its depth."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from blender_addon.contract.frames import Frame

GAP = 6
NEAR, FAR = 3.0, 80.0  # metres between which the depth's colours run
_GROUND = (24, 26, 30)


def contact_sheet(frames: Sequence[Frame], columns: int = 3) -> Image.Image:
    """A tile a frame, row by row: picture with boxes, and beneath it, at half size, the objects'
    masks on the semantic classes, and the depth.

    Args:
        frames: at least one, all of the same size.
        columns: tiles in a row.
    """
    tiles = [_tile(frame) for frame in frames]
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    sheet = Image.new(
        "RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), (255, 255, 255)
    )
    for i, tile in enumerate(tiles):
        column, row = i % columns, i // columns
        sheet.paste(tile, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    return sheet


def _tile(frame: Frame) -> Image.Image:
    picture = with_boxes(frame)
    width, height = picture.size
    half = (width // 2, height // 2)
    tile = Image.new("RGB", (width, height + half[1]), _GROUND)
    tile.paste(picture, (0, 0))
    tile.paste(
        Image.fromarray(instance_colours(frame)).resize(half, Image.Resampling.NEAREST), (0, height)
    )
    tile.paste(Image.fromarray(depth_colours(frame.depth)).resize(half), (width - half[0], height))
    return tile


def with_boxes(frame: Frame) -> Image.Image:
    """The picture with a coloured box round each visible labelled object."""
    image = frame.image
    if image.dtype != np.uint8:
        image = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    line = max(1, round(picture.width / 500))
    for label in frame.labels:
        if label.visible_box is not None:
            x0, y0, x1, y1 = label.visible_box
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=colour(label.index), width=line)
    return picture


def instance_colours(frame: Frame) -> np.ndarray:
    """H x W x 3 uint8: labelled objects in the colours of their boxes, all else as dim classes."""
    table = np.zeros((max(int(frame.index.max()), 1) + 1, 3), np.uint8)
    for label in frame.labels:
        if label.index < len(table):
            table[label.index] = colour(label.index)
    colours = table[frame.index]
    if frame.semantic is not None:
        classes = np.stack([_dim(i) for i in range(256)])
        unlabelled = frame.index == 0
        colours[unlabelled] = classes[frame.semantic[unlabelled]]
    return colours


def depth_colours(depth: np.ndarray) -> np.ndarray:
    """H x W x 3 uint8: near is warm and bright, far is dark and blue, the sky black."""
    seen = np.isfinite(depth)
    scaled = np.log(np.clip(np.where(seen, depth, FAR), NEAR, FAR) / NEAR) / np.log(FAR / NEAR)
    near = np.clip(1 - scaled, 0, 1)  # rounding leaves the furthest just outside
    colours = np.stack([near**0.7, near**1.4, 0.25 + 0.3 * np.sin(np.pi * near)], axis=-1)
    colours[~seen] = 0
    return (255 * np.clip(colours, 0, 1) + 0.5).astype(np.uint8)


def colour(index: int) -> tuple[int, int, int]:
    """A bright colour of an object's own; neighbours in number differ most."""
    red, green, blue = colorsys.hsv_to_rgb(index * 0.618034 % 1.0, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _dim(semantic: int) -> np.ndarray:
    if semantic == 0:
        return np.array(_GROUND, np.uint8)
    shade = colorsys.hsv_to_rgb(semantic * 0.381966 % 1.0, 0.35, 0.42)
    return np.array([round(255 * c) for c in shade], np.uint8)
