"""Labels of drawn sprites: boxes, visibility, truncation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from blender_addon.contract.frames import Box, ObjectLabel
from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.rendering.sprites.drawing import OPAQUE, opacity, reach
from metasim_backend.rendering.sprites.layers import Layer, SpriteWorld

# KITTI's levels: how much of a silhouette must be seen for "fully" and for "partly visible".
_FULLY, _PARTLY = 0.9, 0.4


@torch.no_grad()
def label_frames(
    world: SpriteWorld,
    scenes: Sequence[SceneGraph],
    layers: Sequence[Layer],
    index: Tensor,
) -> tuple[np.ndarray, list[tuple[ObjectLabel, ...]]]:
    """Index maps and labels of a batch.

    A silhouette is the pixels in which a sprite drawn alone is at least half opaque; its amodal
    box and its area count what lies outside the picture too.

    Args:
        index: [B, H, W], the node seen in each pixel or -1 (:func:`drawing.draw_index`).

    Returns:
        [B, H, W] uint16 index maps, 0 for nothing labelled, and for each scene the labels of its
        sprites in node order.
    """
    height, width = index.shape[1:]
    found: list[dict[int, tuple[int, int, Box | None]]] = [{} for _ in scenes]
    for layer in layers:
        if layer.labelled and len(layer):
            _add_silhouettes(found, layer, width, height)
    # Nodes to the numbers of labels: 1, 2, ... in node order.
    most = max(len(scene) for scene in scenes)
    numbers = torch.zeros(len(scenes), most + 1, dtype=torch.long)
    for row, silhouettes in enumerate(found):
        for number, node in enumerate(sorted(silhouettes), 1):
            numbers[row, node] = number
    maps = torch.gather(
        numbers, 1, index.cpu().flatten(1).masked_fill(index.cpu().flatten(1) < 0, most)
    ).reshape(index.shape)
    boxes = _visible_boxes(maps, int(numbers.max()))
    labels = []
    for row, (scene, silhouettes) in enumerate(zip(scenes, found, strict=True)):
        own = []
        for number, node in enumerate(sorted(silhouettes), 1):
            inside, whole, amodal = silhouettes[node]
            pixels, visible_box = boxes[row][number]
            visibility = min(pixels / inside, 1.0) if inside else 0.0
            own.append(
                ObjectLabel(
                    node=scene.nodes[node].id,
                    class_name=world.label_class(scene.nodes[node]),
                    index=number,
                    visible_pixels=pixels,
                    visible_box=visible_box,
                    amodal_box=amodal,
                    visibility=visibility,
                    truncation=1 - inside / whole if whole else 1.0,
                    occlusion=_occlusion(visibility),
                )
            )
        labels.append(tuple(own))
    return maps.numpy().astype(np.uint16), labels


def _occlusion(visibility: float) -> int:
    if visibility <= 0:
        return 3
    return 0 if visibility >= _FULLY else 1 if visibility >= _PARTLY else 2


def _add_silhouettes(
    found: list[dict[int, tuple[int, int, Box | None]]], layer: Layer, width: int, height: int
) -> None:
    """For each sprite its silhouette's area in the picture, whole area, and box."""
    side = 2 * math.ceil(float(reach(layer).max()))
    steps = torch.arange(side, device=layer.x.device)
    columns = (layer.x - side / 2).round().long()[:, None] + steps
    rows = (layer.y - side / 2).round().long()[:, None] + steps
    solid = opacity(layer, columns + 0.5, rows + 0.5) >= OPAQUE
    inside = (
        solid
        & ((columns >= 0) & (columns < width))[:, None, :]
        & ((rows >= 0) & (rows < height))[:, :, None]
    )
    x0, x1, any_column = _extent(solid.any(1), columns)
    y0, y1, _ = _extent(solid.any(2), rows)
    table = torch.stack(
        [layer.scene, layer.node, inside.sum((1, 2)), solid.sum((1, 2)), x0, y0, x1, y1], 1
    ).tolist()
    for (scene, node, in_picture, whole, *box), some in zip(
        table, any_column.tolist(), strict=True
    ):
        bounds = (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if some else None
        found[scene][node] = (in_picture, whole, bounds)


def _extent(touched: Tensor, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """First and last + 1 of the places that are touched, [S] each, and whether any is."""
    some = touched.any(1)
    far = 1 << 30
    low = torch.where(touched, places, far).amin(1)
    high = torch.where(touched, places, -far).amax(1) + 1
    return low, high, some


def _visible_boxes(maps: Tensor, most: int) -> list[list[tuple[int, Box | None]]]:
    """For each picture and number its pixels and their tight box."""
    height, width = maps.shape[1:]
    columns, rows = torch.arange(width)[None], torch.arange(height)[None]
    per_number: list[list] = []
    for number in range(most + 1):
        mask = maps == number
        x0, x1, some = _extent(mask.any(1), columns)
        y0, y1, _ = _extent(mask.any(2), rows)
        table = torch.stack([mask.sum((1, 2)), x0, y0, x1, y1], 1).tolist()
        per_number.append(
            [
                (pixels, (float(a), float(b), float(c), float(d)) if seen else None)
                for (pixels, a, b, c, d), seen in zip(table, some.tolist(), strict=True)
            ]
        )
    return [list(row) for row in zip(*per_number, strict=True)]
