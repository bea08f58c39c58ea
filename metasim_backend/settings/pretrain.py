"""Phase 1, the auto-encoder."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Size, Whole, setting


@dataclass(frozen=True, config=GROUP)
class PretrainSettings:
    """Phase 1, the auto-encoder."""

    steps: Whole = setting(250, "Steps of the optimiser.")
    batch: Count = setting(16, "Scenes a step.")
    scenes: Count = setting(150, "Different scenes of the prior that are drawn from.")
    learning_rate: Size = setting(3e-3, "Adam's.")
