"""REINFORCE: from a score to a gradient of the log-probability of what was rendered."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class MovingAverage:
    """A baseline of earlier scores; the current score is never part of its own baseline.

    Attributes:
        value: the average, or None before the first score.
        momentum: weight of the old average when a score is taken in.
    """

    momentum: float
    value: float | None = None

    def advantage(self, score: float) -> float:
        """The score minus the average of the scores before it; 0 for the first."""
        return 0.0 if self.value is None else score - self.value

    def updated(self, score: float) -> MovingAverage:
        """The baseline after this score."""
        if self.value is None:
            return MovingAverage(self.momentum, score)
        return MovingAverage(
            self.momentum, self.momentum * self.value + (1 - self.momentum) * score
        )


def leave_one_out(rewards: Tensor) -> Tensor:
    """[B] rewards, each minus the mean of the others, over their spread; 0 where all are equal.

    A baseline that does not contain the reward itself leaves REINFORCE without bias.
    """
    others = (rewards.sum() - rewards) / max(len(rewards) - 1, 1)
    spread = rewards.std(unbiased=False)
    return (rewards - others) / spread if spread > 0 else torch.zeros_like(rewards)


def reinforce_loss(log_probabilities: Tensor, advantage: Tensor | float) -> Tensor:
    r"""Surrogate loss :math:`-\frac1B\sum_b A_b \log p(s_b)`; its gradient is REINFORCE's.

    Args:
        log_probabilities: [B], one a scene: the sum over its nodes and mutable attributes of the
            very values that were rendered.
        advantage: one number for all (Meta-Sim's score), or [B].
    """
    return -(log_probabilities * advantage).mean()
