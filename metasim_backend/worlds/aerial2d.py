"""A road with cars, trees and houses, seen from above."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blender_addon.contract.frames import RenderSettings
from metasim_backend.worlds.world import RendererOptions, World

if TYPE_CHECKING:
    from metasim_backend.rendering.renderer import DifferenceRenderer


def _open(options: RendererOptions) -> DifferenceRenderer:
    from metasim_backend.rendering.sprites import SpriteRenderer
    from metasim_backend.worlds.aerial_sprites import AerialWorld

    return SpriteRenderer(AerialWorld(options.part), options.device)


AERIAL2D = World(
    domain="aerial2d",
    engines=("aerial2d",),
    labels=("road", "car", "tree", "house"),
    task="segmenter",
    usual=RenderSettings(64, 64, engine="aerial2d"),
    open=_open,
)
