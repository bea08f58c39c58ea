"""Time as a machine that does nothing else would take it."""

from __future__ import annotations

import time
from collections.abc import Callable


class QuietClock:
    """Seconds of work in this process, without what other programs on the machine took.

    Between two readings either the wall's clock or the processor time of all threads has gone on
    less; that counts. The first is lengthened by other programs and the second by several threads,
    and the work on a quiet machine takes no longer than either. Only for work that neither waits
    nor has other processes at work, which would cost it nothing.

    Args:
        wall, processor: the clocks.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._wall, self._processor = wall, processor
        self._read = (wall(), processor())
        self._total = 0.0

    def __call__(self) -> float:
        """Seconds since it was made."""
        now = (self._wall(), self._processor())
        self._total += min(now[0] - self._read[0], now[1] - self._read[1])
        self._read = now
        return self._total
