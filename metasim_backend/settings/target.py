"""Which of the target's pictures are used."""

from __future__ import annotations

from typing import Annotated

from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Share, Younger, setting


@dataclass(frozen=True, config=GROUP)
class TargetSettings:
    """Which of the target's pictures are used."""

    most_alike: Annotated[Share, Younger(before=1.0)] = setting(
        1.0,
        "Of pictures that are more alike than this one is used, as of neighbouring frames of a "
        "video. Equal pictures have 1, so 1 uses all.",
    )
    classes: Annotated[str, Younger(before="")] = setting(
        "",
        "What classes of labelled files are that have names of their own, such as "
        "vehicle=car,walker=person. Usual names are known.",
    )
    skip_bad: Annotated[bool, Younger(before=False)] = setting(
        False, "Go on without pictures and labels that cannot be used. The report lists them."
    )
