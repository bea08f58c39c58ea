"""Sprites to pictures: cubic sampling and compositing ("over") of whole batches.

A sprite's colour at a pixel is its texture's at the pixel's centre seen from the sprite, by cubic
convolution (Keys, 1981), so pictures and their first derivatives change continuously with every
number: autograd's gradient is exact and a finite difference near to it. (With bilinear sampling
the derivative jumps at each texel, for all pixels of an upright sprite at once.) Colour is
premultiplied: out = sprite + (1 - alpha) * below (Porter and Duff, 1984).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from metasim_backend.rendering.sprites.layers import Layer

OPAQUE = 0.5
_WINDOW_PAYS = 0.75


def draw(layers: Sequence[Layer], scenes: int, channels: int, width: int, height: int) -> Tensor:
    """[B, C, H, W] pictures in [0, 1] over black, differentiable in every sprite's pose."""
    device = layers[0].textures.device
    picture = torch.zeros(scenes, channels, height, width, device=device)
    for layer in layers:
        for part in one_a_scene(layer):
            picture = _over(picture, part)
    return picture.clamp(0, 1)  # cubic sampling overshoots a little at edges


@torch.no_grad()
def draw_index(layers: Sequence[Layer], scenes: int, width: int, height: int) -> Tensor:
    """[B, H, W] long: the place of the node seen in each pixel, -1 for nothing labelled."""
    device = layers[0].textures.device
    index = torch.full((scenes, height, width), -1, dtype=torch.long, device=device)
    for layer in layers:
        for part in one_a_scene(layer):
            solid = opacity(part, *_whole(part, width, height)) >= OPAQUE
            number = part.node if part.labelled else torch.full_like(part.node, -1)
            index[part.scene] = torch.where(solid, number[:, None, None], index[part.scene])
    return index


def one_a_scene(layer: Layer) -> list[Layer]:
    """The layer in parts with at most one sprite of each scene, in drawing order."""
    if len(layer) == 0:
        return []
    # The number of a sprite among those of its scene.
    order = torch.argsort(layer.scene, stable=True)
    ordered = layer.scene[order]
    first = torch.searchsorted(ordered, ordered)
    turn = torch.empty_like(order)
    turn[order] = torch.arange(len(order), device=order.device) - first
    turns = int(turn.max()) + 1
    return [layer] if turns == 1 else [layer.rows(turn == number) for number in range(turns)]


def reach(layer: Layer) -> Tensor:
    """[S] pixels from a sprite's centre to the farthest that it can touch."""
    return 0.5 * torch.hypot(layer.width.detach(), layer.height.detach()) + 1


def opacity(layer: Layer, xs: Tensor, ys: Tensor) -> Tensor:
    """[S, h, w]: alpha of each sprite by itself; arguments as for :func:`sample`."""
    return _sampled(layer, layer.textures[:, -1:], xs, ys)[:, 0]


def sample(layer: Layer, xs: Tensor, ys: Tensor) -> Tensor:
    """[S, C + 1, h, w]: each sprite by itself in a window of its own.

    Args:
        layer: S sprites.
        xs, ys: [S, w] and [S, h], or [1, w] and [1, h]: pixel centres of the window.
    """
    sampled = _sampled(layer, layer.textures, xs, ys)
    # White multiplied by alpha is alpha.
    return sampled if sampled.shape[1] > 1 else sampled.expand(-1, 2, -1, -1)


def _sampled(layer: Layer, textures: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    cos, sin = layer.angle.cos()[:, None, None], layer.angle.sin()[:, None, None]
    right = (xs - layer.x[:, None])[:, None, :]
    down = (ys - layer.y[:, None])[:, :, None]
    u = (cos * right - sin * down) * (2 / layer.width)[:, None, None]
    v = (sin * right + cos * down) * (2 / layer.height)[:, None, None]
    return functional.grid_sample(
        textures[layer.texture],
        torch.stack([u, v], dim=-1),
        mode="bicubic",
        padding_mode="zeros",
        align_corners=False,
    )


def _whole(layer: Layer, width: int, height: int) -> tuple[Tensor, Tensor]:
    def centres(count: int) -> Tensor:
        return (torch.arange(count, device=layer.x.device) + 0.5)[None]

    return centres(width), centres(height)


def _over(picture: Tensor, layer: Layer) -> Tensor:
    """The picture with one more sprite in each of the layer's scenes."""
    scenes, _, height, width = picture.shape
    side = 2 * math.ceil(float(reach(layer).max()))
    if side > _WINDOW_PAYS * min(height, width):
        sprites = sample(layer, *_whole(layer, width, height))
        if len(layer) == scenes and bool((layer.scene[1:] > layer.scene[:-1]).all()):
            return sprites[:, :-1] + (1 - sprites[:, -1:]) * picture
        below = picture[layer.scene]
        return picture.index_copy(0, layer.scene, sprites[:, :-1] + (1 - sprites[:, -1:]) * below)
    # Only the window round a sprite can change. Its place is whole pixels inside the picture, so
    # the gradient with respect to the sprite's place is not touched.
    steps = torch.arange(side, device=picture.device)
    columns = _first(layer.x, side, width)[:, None] + steps
    rows = _first(layer.y, side, height)[:, None] + steps
    sprites = sample(layer, columns + 0.5, rows + 0.5)
    place = (layer.scene[:, None, None], slice(None), rows[:, :, None], columns[:, None, :])
    below = picture[place].permute(0, 3, 1, 2)
    above = sprites[:, :-1] + (1 - sprites[:, -1:]) * below
    at = (place[0], place[2], place[3])
    return picture.permute(0, 2, 3, 1).index_put(at, above.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _first(centre: Tensor, side: int, size: int) -> Tensor:
    return (centre.detach() - side / 2).round().long().clamp(0, size - side)
