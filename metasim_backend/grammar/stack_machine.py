"""LIFO stacks of decisions, as a pushdown automaton has one, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

PADDING = -1  # after a derivation's last token


class Pushes(Protocol):
    """What decisions do to a stack; see :class:`.derivation.Productions`, which has them."""

    @property
    def start(self) -> Sequence[int]: ...
    @property
    def decision_count(self) -> int: ...
    @property
    def pushes(self) -> np.ndarray: ...
    @property
    def push_counts(self) -> np.ndarray: ...


class StackMachine:
    """Many LIFO stacks of decisions at once.

    Args:
        productions: the grammar.
        count: N, the number of stacks; each begins with the grammar's start.
    """

    def __init__(self, productions: Pushes, count: int) -> None:
        self._of = productions
        start = productions.start[::-1]
        width = len(start) + 2 * productions.pushes.shape[1] + 16
        self._stack = np.full((count, width), productions.decision_count, dtype=np.int64)
        self._stack[:, : len(start)] = start
        self._depth = np.full(count, len(start), dtype=np.int64)
        self._rows = np.arange(count)

    @property
    def running(self) -> np.ndarray:
        """[N] bool: whose stack is not empty."""
        return self._depth > 0

    def top(self) -> np.ndarray:
        """[N] the decision on top of each stack; D where it is empty."""
        found = self._stack[self._rows, np.maximum(self._depth - 1, 0)]
        return np.where(self.running, found, self._of.decision_count)

    def take(self, tokens: np.ndarray) -> None:
        """Replace each stack's top by what follows from a token [N]; -1 leaves a stack alone."""
        moving = np.flatnonzero(tokens != PADDING)
        own = tokens[moving]
        depth = self._depth[moving] - 1
        pushes = self._of.pushes[own]
        needed = int(depth.max(initial=0)) + pushes.shape[1]
        if needed > self._stack.shape[1]:
            more = max(needed - self._stack.shape[1], self._stack.shape[1])
            self._stack = np.pad(
                self._stack, ((0, 0), (0, more)), constant_values=self._of.decision_count
            )
        # Padding lands above the new top, where the next push covers it.
        places = depth[:, None] + np.arange(pushes.shape[1])
        self._stack[moving[:, None], places] = pushes
        self._depth[moving] = depth + self._of.push_counts[own]
