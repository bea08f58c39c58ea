"""All that a program has to be told of a world, in one object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from blender_addon.contract.frames import RenderSettings

if TYPE_CHECKING:
    from metasim_backend.rendering.renderer import DifferenceRenderer
    from metasim_backend.rendering.workers import WorkerSettings

Task = Literal["detector", "classifier", "segmenter"]


@dataclass(frozen=True)
class RendererOptions:
    """What a renderer may be told; each world takes what concerns it.

    Attributes:
        workers: Blender's processes; of no use to 2-D worlds.
        device: where torch draws 2-D worlds.
        data: where MNIST is, or is fetched to.
        part: ``"train"`` or ``"test"``: which digits or textures a 2-D world draws with.
    """

    workers: WorkerSettings | None = None
    device: str = "cpu"
    data: Path | None = None
    part: str = "train"


@dataclass(frozen=True)
class World:
    """One world.

    Attributes:
        domain: of its grammars and scene graphs.
        engines: what draws it; the first is what is meant when none is named.
        labels: classes of labels, in the order in which a data set numbers them.
        task: the kind of task network that is trained on its pictures.
        usual: size and samples of a picture when nothing is said.
        open: makes its renderer. Raises RendererSetupError or DatasetError for what the user has
            to mend.
        in_depth: whether it has three dimensions: 3-D boxes, normals, flow, pictures of any shape,
            and scene-linear light, which a camera model needs.
    """

    domain: str
    engines: tuple[str, ...]
    labels: tuple[str, ...]
    task: Task
    usual: RenderSettings
    open: Callable[[RendererOptions], DifferenceRenderer]
    in_depth: bool = False
