"""Where networks run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Younger, setting


@dataclass(frozen=True, config=GROUP)
class NetworkSettings:
    """Where networks run that look at pictures: φ, the reader, counts, task networks."""

    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Younger(before="auto")] = setting(
        "auto",
        "auto: the CPU, where the same run gives the same bits. cuda, mps: a GPU that torch sees. "
        "Graph networks are small and stay on the CPU. Blender's device is rendering.device.",
    )
