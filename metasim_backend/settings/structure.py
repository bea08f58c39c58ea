"""The structure phase: which things stand in a scene, and how many (Meta-Sim2)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from metasim_backend.settings.kinds import GROUP, Count, Share, Size, Whole, Younger, setting


@dataclass(frozen=True, config=GROUP)
class StructureSettings:
    """The structure phase: which things stand in a scene, and how many (Meta-Sim2)."""

    pretrain_steps: Whole = setting(
        300,
        "Steps of maximum likelihood on the prior's derivations, before the first of REINFORCE.",
    )
    pretrain_batch: Count = setting(256, "Derivations a step of maximum likelihood.")
    pretrain_rate: Size = setting(1e-2, "Adam's learning rate in maximum likelihood.")
    steps: Whole = setting(200, "Steps of REINFORCE.")
    batch: Annotated[int, Field(ge=3)] = setting(
        256, "Scenes a step. The density of synthetic pictures rests on them too."
    )
    updates: Count = setting(2, "Steps of the optimiser on the same scenes.")
    learning_rate: Size = setting(
        5e-3, "Adam's. It falls to a twentieth over the second half of the steps."
    )
    reward: Literal["density", "mmd"] = setting(
        "density",
        "density: the paper's, the log-ratio of two densities at each picture. mmd: its "
        "ablation, each picture's own part of the batch's MMD².",
    )
    baseline: Literal["leave_one_out", "moving_average"] = setting(
        "leave_one_out", "What is taken off the reward so that its noise is less."
    )
    momentum: Share = setting(0.9, "The moving average's memory.")
    entropy: Size = setting(0.0, "Weight of a bonus for undecided choices. 0: none.")
    prior_weight: Annotated[Size, Younger(before=0.0)] = setting(
        0.0,
        "Weight of the Kullback-Leibler divergence from the grammar's own structure. Pictures "
        "tell little of some choices, and the reward's noise moves those ever further unless "
        "something holds them. 0: nothing does.",
    )
    rejection_penalty: Size = setting(1e-2, "λ, the cost of each failed draw above one a scene.")
    clip: Annotated[float, Field(ge=0, allow_inf_nan=True)] = setting(
        1.0, "Largest norm of the gradient."
    )
    reward_limit: Size = setting(5.0, "Largest reward, and with a minus the least. 0: no limit.")
    picture_weight: Annotated[Size, Younger(before=0.0)] = setting(
        0.0,
        "Spread over a batch of a second reward that is added to the first: each picture's part "
        "of MMD² in the φ of matching. Everything shows in it that the first cannot read. Beside "
        "counts it is the first round's φ. 0: none.",
    )
    features: Literal["counts", "match"] = setting(
        "counts",
        "What is compared. counts: how many there are of each class, read by a small network "
        "that is trained on the prior's renders. match: the φ of matching.",
    )
    parts: Literal["joint", "pairs"] = setting(
        "pairs",
        "How densities are taken. joint: over all numbers at once, as in the paper. "
        "pairs: the mean over every number and every pair of numbers. That needs far fewer "
        "pictures to tell one count from the next.",
    )
    readings: Annotated[Literal["all", "labelled"], Younger(before="all")] = setting(
        "all",
        "Which of the small network's readings are compared. labelled: the numbers of "
        "labelled objects, of each class and together. Those of the street as a whole, such as "
        "kinds of road or numbers of trees, can mislead on photographs. picture_weight can "
        "take their place.",
    )
    network: Annotated[str, Younger(before="own")] = setting(
        "own",
        "What the small network reads counts off. own: the picture, and all of it is trained "
        "on renders. Or an ImageNet network, as a torchvision name or a weights file's path. That "
        "one is frozen, and only the reading is trained.",
    )
    disturbed: Annotated[Size, Younger(before=1.0)] = setting(
        1.0,
        "How strongly colours, contrast and noise of its training pictures are changed. "
        "Photographs differ from renders by more than a camera's 1.",
    )
    feature_scenes: Annotated[int, Field(ge=8)] = setting(
        4000, "Renders that the small network is trained on."
    )
    feature_epochs: Count = setting(12, "Passes over them.")
    latents: Count = setting(4, "How many different z the structure's network has.")
    hidden: Count = setting(64, "Width of its recurrent state and of all embeddings.")
    longest: Count = setting(
        200, "A derivation that has not ended after so many tokens is rejected."
    )
    feedback: bool = setting(
        True,
        "Whether the network reads the token before and the decision that is to be taken. "
        "Without, only z and the step's number tell derivations apart.",
    )
