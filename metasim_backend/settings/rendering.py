"""How training pictures are rendered."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from blender_addon.contract.frames import MAX_SIDE, RenderSettings
from metasim_backend.settings.kinds import GROUP, Younger, setting

Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


@dataclass(frozen=True, config=GROUP)
class RenderingSettings:
    """How training pictures are rendered. The grammar gives the defaults."""

    width: Side = setting(160, "Pixels across. The default suits the target's pictures.")
    height: Side = setting(96, "Pixels down. The default suits the target's pictures.")
    samples: Annotated[int, Field(ge=1, le=65_536)] = setting(1, "Samples a pixel.")
    engine: str = setting("cycles", "One of Blender's engines, or a 2-D world's own name.")
    device: str = setting("cpu", "cpu, or a kind of GPU such as cuda or optix.")
    lighting: Annotated[Literal["direct", "traced"], Younger(before="traced")] = setting(
        "direct", "direct: sun and ambient sky, without noise. traced: path tracing."
    )
    differences: Literal["auto", "exact", "local", "full"] = setting(
        "auto",
        "exact: autograd, of 2-D worlds. local: only the window that a change can touch. "
        "full: whole frames. auto: exact where that is possible, else local.",
    )

    def render_settings(self) -> RenderSettings:
        """As a renderer takes them, with noise seed 0."""
        return RenderSettings(
            self.width, self.height, self.samples, 0, self.engine, self.device,
            lighting=self.lighting,
        )  # fmt: skip
