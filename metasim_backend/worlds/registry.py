"""Which worlds there are. A new one is an object in a file of its own and a name here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from blender_addon.contract.camera_model import CameraModel
from metasim_backend.rendering.renderer import DifferenceRenderer, RendererSetupError
from metasim_backend.worlds.aerial2d import AERIAL2D
from metasim_backend.worlds.driving import DRIVING
from metasim_backend.worlds.mnist import MNIST
from metasim_backend.worlds.world import RendererOptions, World

if TYPE_CHECKING:
    from metasim_backend.rendering.workers import WorkerSettings

WORLDS = {world.domain: world for world in (DRIVING, MNIST, AERIAL2D)}


def world_of(domain: str) -> World:
    """The world whose scene graphs have this domain.

    Raises:
        RendererSetupError: when there is none.
    """
    if domain not in WORLDS:
        raise RendererSetupError(
            f"No renderer shows the world {domain!r}; known are {', '.join(WORLDS)}."
        )
    return WORLDS[domain]


def check_camera(domain: str, camera: CameraModel) -> None:
    """Refuse a camera model for a world that has no linear light.

    Raises:
        RendererSetupError: naming the world.
    """
    if not (camera.is_identity or world_of(domain).in_depth):
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
    """The renderer of a domain; close it, or use it in a ``with``. Its arguments are those of
    :class:`RendererOptions`.

    Raises:
        RendererSetupError, DatasetError: the user's mistakes; nothing that it needs may be missing.
    """
    return world_of(domain).open(RendererOptions(workers, device, data, part))
