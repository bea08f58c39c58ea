"""Which attributes matching may move: what the networks of a run's rounds can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor


class Visibility:
    """What some network of the run could read once is not taken for invisible later, when it is
    matched and hardly varies any more.

    Args:
        slots: names of all attributes, in the encoding's order.
        rounds: how many rounds of matching there are.
        least: share of an attribute's variance that must be explained; 0: all count as seen.
        hold_spread, hold_until: as in ``MatchSettings``.

    Attributes:
        explained: the largest share of each attribute's variance that a network explained.
    """

    def __init__(
        self,
        slots: Sequence[str],
        rounds: int,
        least: float,
        hold_spread: bool,
        hold_until: float,
    ) -> None:
        self._slots = tuple(slots)
        self._rounds = rounds
        self._least = least
        self._hold_spread = hold_spread
        self._hold_until = hold_until
        self.explained: dict[str, float] = {}
        self._seen_since: dict[str, int] = {}
        self._well_seen_since: dict[str, int] = {}

    def note(self, shares: Mapping[str, float], turn: int) -> None:
        """What share of each attribute's variance a round's network explains."""
        self.explained = {
            name: max(share, self.explained.get(name, 0.0)) for name, share in shares.items()
        }
        for name, share in self.explained.items():
            if share >= self._least:
                self._seen_since.setdefault(name, turn)
            if share >= max(self._least, self._hold_until):
                self._well_seen_since.setdefault(name, turn)

    def seen(self) -> Tensor | None:
        """[A] bool: the slots that φ can see, or None for all."""
        if self._least <= 0 or not self.explained:
            return None
        return self._chosen(lambda name: name in self._seen_since or name not in self.explained)

    def held(self, turn: int) -> Tensor | None:
        """[A] bool: the slots that are matched for the first time, or that no earlier round saw
        well; none in the last round."""
        if not self._hold_spread or turn == self._rounds - 1 or not self.explained:
            return None
        return self._chosen(
            lambda name: name in self._seen_since and self._well_seen_since.get(name, turn) >= turn
        )

    def _chosen(self, rule: Callable[[str], bool]) -> Tensor:
        return torch.tensor([rule(name) for name in self._slots])
