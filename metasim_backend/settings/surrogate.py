"""Matching on a surrogate: how much is rendered, and how long is learned from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Size, Whole, Younger, setting


@dataclass(frozen=True, config=GROUP)
class SurrogateSettings:
    """Phase 2 with match.estimator=surrogate."""

    network: str = setting(
        "efficientnet_lite0",
        "The ImageNet network through which pictures are read: efficientnet_lite0, which comes "
        "with Meta-Sim, a torchvision network's name, or a weights file's path.",
    )
    pretrained: Annotated[str, Younger(before="none")] = setting(
        "auto",
        "Reader and surrogate to begin with: auto (those that come with the project, where they "
        "fit grammar, picture size and camera), none, or a file of metasim reader.",
    )
    cameras: Annotated[Literal["own", "any"], Younger(before="own")] = setting(
        "own",
        "What took the pictures that the reader learns from: own (the run's camera model) or any "
        "(of many, drawn anew at each step; for photographs, whose tones are not the renderer's).",
    )
    scenes: Annotated[int, Field(ge=100)] = setting(
        3000, "Renders of the widened prior that a reader is trained on when none is to be had."
    )
    fixed: Annotated[str, Younger(before="")] = setting(
        "",
        "Attributes that stay as the grammar has them, such as *.along,sky.sun_strength: what you "
        "know, or what pictures of that kind do not tell.",
    )
    replay: Annotated[int, Field(ge=100)] = setting(
        300, "The same when there is one: what keeps later rounds from forgetting."
    )
    reader_epochs: Count = setting(8, "Passes of the reader's training over them.")
    reader_goes_on: Whole = setting(
        3,
        "Passes over the generator's own renders in each round from the third on, when it is near "
        "the target; 0: the reader stays as it is.",
    )
    epochs: Count = setting(24, "Passes of the surrogate's training in the first round.")
    goes_on: Count = setting(10, "The same in later rounds.")
    rounds: Count = setting(5, "How often the generator is changed. Between two it is rendered.")
    renders: Annotated[int, Field(ge=20)] = setting(
        400,
        "Renders of the generator as it is after a round, for the next. Where the reader goes on "
        "learning, half of them are its own, and only the others teach the surrogate.",
    )
    proposals: Annotated[int, Field(ge=20)] = setting(
        1000, "Scenes of the prior that the descent draws from again and again."
    )
    steps: Count = setting(100, "Steps of the descent in a round.")
    batch: Annotated[int, Field(ge=8)] = setting(96, "Scenes a step.")
    learning_rate: Size = setting(
        1.5e-2, "Adam's. It falls to a twentieth along a cosine; later rounds have half of it."
    )
    hold: Size = setting(
        1.0,
        "How strongly the prior holds an attribute's mean and spread where pictures say nothing, "
        "in units of a logarithm of a likelihood.",
    )
