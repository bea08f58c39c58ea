"""Phase 2, distribution matching."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Share, Size, Whole, Younger, setting


@dataclass(frozen=True, config=GROUP)
class MatchSettings:
    """Phase 2, distribution matching."""

    estimator: Annotated[Literal["auto", "gradient", "surrogate"], Younger(before="gradient")] = (
        setting(
            "auto",
            "Where the gradient comes from. gradient: through the renderer, by finite differences "
            "or exact. surrogate: a network that predicts what is read in a scene's picture "
            "(group surrogate); for worlds whose objects have 3-D boxes, where it finds what "
            "differences do not. auto: surrogate for such worlds, else gradient. Of this group "
            "a surrogate reads report_every alone.",
        )
    )
    steps: Whole = setting(40, "Steps of the optimiser.")
    batch: Annotated[int, Field(ge=2)] = setting(16, "Scenes a step. An unbiased MMD² takes two.")
    learning_rate: Size = setting(3e-2, "Adam's. It falls to a tenth along a cosine.")
    fraction: Annotated[float, Field(gt=0)] = setting(
        0.4,
        "Share of attributes whose finite difference is taken in a step. Which ones is random, "
        "and the share of the others is made up for.",
    )
    clip: Annotated[float, Field(ge=0, allow_inf_nan=True)] = setting(
        1.0, "Largest norm of the gradient."
    )
    behind_features: Literal["auto", "yes", "no"] = setting(
        "auto",
        "Whether finite differences are taken behind φ. A deep network is so far from linear "
        "between both sides that its pixel gradient misleads. auto: for every network but the "
        "small one that is trained on the prior's renders.",
    )
    hold_spread: bool = setting(
        False,
        "With several rounds, an attribute keeps its spread in the first round in which it is "
        "matched, unless that is the last: its values are moved all alike. Far from the target a "
        "wider spread brings MMD² down sooner than a move does, and is slow to go again.",
    )
    hold_until: Share = setting(
        0.0,
        "With hold_spread, an attribute keeps its spread also until a round's network "
        "explains this share of its variance, the last round excepted. What is hardly seen may be "
        "moved, but not spread.",
    )
    search: Whole = setting(
        0,
        "Places over its range at which each attribute is tried before a round's first step. All "
        "nodes are moved alike, and stay at the best place. It needs as many renders of a batch "
        "for each attribute, and finds the way out of valleys that are not the target's. 0: none.",
    )
    category_weight: Size = setting(
        1.0, "Weight of the score-function term for categorical attributes."
    )
    report_every: Whole = setting(5, "Steps between pictures of progress. 0: none.")
