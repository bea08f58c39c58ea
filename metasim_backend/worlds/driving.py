"""Streets, which Blender shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blender_addon.contract.frames import RenderSettings
from blender_addon.contract.street_classes import LABELLED, STREETS
from metasim_backend.worlds.world import RendererOptions, World

if TYPE_CHECKING:
    from metasim_backend.rendering.renderer import DifferenceRenderer


def _open(options: RendererOptions) -> DifferenceRenderer:
    from metasim_backend.rendering.blender import BlenderRenderer

    return BlenderRenderer(options.workers)


DRIVING = World(
    domain=STREETS,
    engines=("cycles", "eevee", "workbench"),
    labels=LABELLED,
    task="detector",
    usual=RenderSettings(621, 188, 4, engine="cycles"),
    open=_open,
    in_depth=True,
)
