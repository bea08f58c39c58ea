"""Which renderer shows which world, by the scene graphs' domain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blender_addon.contract.camera_model import CameraModel
from blender_addon.contract.street_classes import LABELLED
from metasim_backend.rendering.renderer import DifferenceRenderer, RendererSetupError

if TYPE_CHECKING:
    from metasim_backend.rendering.workers import WorkerSettings

BLENDER_ENGINES = ("cycles", "eevee", "workbench")
ENGINES = {"driving": BLENDER_ENGINES, "mnist": ("mnist",), "aerial2d": ("aerial2d",)}
"""The engines of each domain; the first is what is meant when none is named."""

LINEAR_LIGHT = ("driving",)
"""The domains whose renderer can deliver scene-linear light, which a camera model needs."""

LABELS: dict[str, tuple[str, ...]] = {
    "driving": LABELLED,
    "mnist": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "aerial2d": ("road", "car", "tree", "house"),
}
"""The classes of labels of each domain, in the order in which a data set numbers them."""


def engines_of(domain: str) -> tuple[str, ...]:
    """The engines that show a domain.

    Raises:
        RendererSetupError: when no renderer knows it.
    """
    if domain not in ENGINES:
        raise RendererSetupError(
            f"No renderer shows the world {domain!r}; known are {', '.join(ENGINES)}."
        )
    return ENGINES[domain]


def check_camera(domain: str, camera: CameraModel) -> None:
    """Refuse a camera model for a world that has no linear light.

    Raises:
        RendererSetupError: naming the world.
    """
    if not camera.is_identity and domain not in LINEAR_LIGHT:
        raise RendererSetupError(
            f"A camera model needs linear light, and the world {domain!r} is drawn without; leave "
            f"{', '.join(camera.changes())} out."
        )


def open_renderer(
    domain: str,
    *,
    workers: WorkerSettings | None = None,
    device: str = "cpu",
    data: Path | None = None,
    part: str = "train",
) -> DifferenceRenderer:
    """The renderer of a domain; close it, or use it in a ``with``.

    Args:
        workers: Blender's processes; of no use to 2-D worlds.
        device: where torch draws 2-D worlds.
        data: where MNIST is, or is fetched to.
        part: ``"train"`` or ``"test"``: which digits or textures a 2-D world draws with.

    Raises:
        RendererSetupError, DatasetError: the user's mistakes; nothing that it needs may be missing.
    """
    engines_of(domain)
    if domain == "driving":
        from metasim_backend.rendering.blender import BlenderRenderer

        return BlenderRenderer(workers)
    from metasim_backend.rendering.sprites import SpriteRenderer

    if domain == "mnist":
        from metasim_backend.datasets.readers.mnist import read_mnist
        from metasim_backend.rendering.mnist import MnistWorld

        return SpriteRenderer(MnistWorld(read_mnist(part, data)), device)
    from metasim_backend.rendering.aerial import AerialWorld

    return SpriteRenderer(AerialWorld(part), device)
