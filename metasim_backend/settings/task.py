"""Phase 3, task optimisation with REINFORCE on the task network's score."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Share, Size, Whole, setting

Reward = Literal["score", "influence", "noise"]
REWARDS: tuple[Reward, ...] = get_args(Reward)


@dataclass(frozen=True, config=GROUP)
class TaskSettings:
    """Phase 3, task optimisation with REINFORCE on the task network's score."""

    epochs: Whole = setting(
        4, "Meta-epochs. Each renders a data set, trains the network and takes one step."
    )
    scenes: Count = setting(24, "Scenes a meta-epoch.")
    network_steps: Whole = setting(40, "The task network's steps a meta-epoch.")
    reward: Reward = setting(
        "score",
        "score: the paper's, one number for all scenes of a meta-epoch. influence: each "
        "scene's own, how much a step on it would lower the loss on the labelled images. "
        "noise: a control that must not learn.",
    )
    learning_rate: Size = setting(3e-3, "Adam's for the transformer.")
    weight: Size = setting(1.0, "Weight of the REINFORCE term.")
    match_weight: Size = setting(
        0.0, "Weight of MMD² in the same step. 0 switches its gradient off."
    )
    momentum: Share = setting(0.7, "The memory of the moving average that is the baseline.")
