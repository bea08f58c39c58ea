"""Handwritten digits that are turned, shifted and scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blender_addon.contract.frames import RenderSettings
from metasim_backend.worlds.world import RendererOptions, World

if TYPE_CHECKING:
    from metasim_backend.rendering.renderer import DifferenceRenderer


def _open(options: RendererOptions) -> DifferenceRenderer:
    from metasim_backend.datasets.readers.mnist import read_mnist
    from metasim_backend.rendering.sprites import SpriteRenderer
    from metasim_backend.worlds.mnist_sprites import MnistWorld

    return SpriteRenderer(MnistWorld(read_mnist(options.part, options.data)), options.device)


MNIST = World(
    domain="mnist",
    engines=("mnist",),
    labels=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    task="classifier",
    usual=RenderSettings(64, 64, engine="mnist"),
    open=_open,
)
