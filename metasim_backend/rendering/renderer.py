"""What every renderer offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from blender_addon.contract.frames import AttributeStep, Difference, Frame, RenderSettings
from blender_addon.contract.scene_graph import SceneGraph

if TYPE_CHECKING:
    from torch import Tensor


class RenderingError(RuntimeError):
    """Rendering failed for a reason that is not the user's mistake."""


class RenderingInputError(ValueError):
    """A scene that the renderer cannot show as it is; one sentence naming node and attribute."""


class RendererSetupError(ValueError):
    """A renderer that the user asked for cannot be used; one sentence with the remedy."""


@runtime_checkable
class Renderer(Protocol):
    """Scene graphs to frames. The same scene and settings always give the same frame."""

    name: str

    def render(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        progress: Callable[[int], object] | None = None,
    ) -> list[Frame]:
        """One frame a scene, in order; ``settings[i]`` belongs to ``scenes[i]``.

        ``progress`` is told how many more frames are done.
        """
        ...

    def close(self) -> None:
        """Free what the renderer holds (processes, sockets)."""
        ...


@runtime_checkable
class DifferenceRenderer(Renderer, Protocol):
    """A renderer that can render only what a small change of a scene changes."""

    def differences(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        steps: Sequence[Sequence[AttributeStep]],
        *,
        full_frame: bool = False,
    ) -> list[list[Difference]]:
        """For each scene and each of its steps ``image(plus) - image(minus)``.

        Args:
            full_frame: render whole frames even where a window would do.
        """
        ...


@runtime_checkable
class ExactRenderer(DifferenceRenderer, Protocol):
    """A renderer whose pictures autograd can differentiate."""

    def differentiable(
        self,
        scenes: Sequence[SceneGraph],
        settings: Sequence[RenderSettings],
        numbers: Mapping[tuple[str, str], Tensor],
    ) -> Tensor:
        """[B, 3, H, W] float32 pictures of B scenes of one size, differentiable in ``numbers``.

        Args:
            numbers: for a (class, attribute) its value in each node of that class in the scenes'
                order, [n], in the grammar's units; they take the place of the scenes' own.
        """
        ...


@runtime_checkable
class LightRenderer(DifferenceRenderer, Protocol):
    """A renderer that takes pictures of another one's linear light, such as by a camera model.

    A change of the scene is seen in the light, in a window; what the camera makes of it is not
    local, but has an exact gradient.
    """

    source: DifferenceRenderer

    def taken(self, light: Tensor, seeds: Sequence[int]) -> Tensor:
        """[B, 3, H, W] pictures of [B, 3, H, W] scene-linear light, differentiable in it.

        Args:
            seeds: B noise seeds, as in the render settings.
        """
        ...

    def developed(self, frame: Frame, settings: RenderSettings) -> Frame:
        """A frame of linear light with the picture of it, as float where the settings say so."""
        ...
