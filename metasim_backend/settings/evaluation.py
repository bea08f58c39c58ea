"""What the report measures."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Whole, setting


@dataclass(frozen=True, config=GROUP)
class EvaluationSettings:
    """What the report measures."""

    scenes: Annotated[int, Field(ge=2)] = setting(
        48,
        "Scenes rendered from prior and learned generator to measure MMD² on unseen target "
        "pictures.",
    )
    unseen: Annotated[float, Field(gt=0, lt=1)] = setting(
        0.4, "Share of the target's pictures that is kept for that."
    )
    pictures: Count = setting(6, "Pictures of each kind on the page.")
    followed: Whole = setting(
        2, "Of those, scenes that are rendered again and again while matching."
    )
