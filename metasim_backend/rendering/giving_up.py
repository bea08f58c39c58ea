"""When a job that keeps losing its worker is to blame for it, and is given up.

Workers are lost for reasons of their own: a machine goes away, the system runs out of memory. So
a job is begun again, unless so many losses of one job would be less likely than :data:`UNLIKELY`
if it lost its worker as often as jobs do here. Where nothing else goes wrong that takes few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

UNLIKELY = 1e-6


@dataclass
class LossRate:
    """How often jobs lose their worker in one way.

    Attributes:
        cautious: so many attempts without a loss are assumed to have gone before.
        most: a job is given up after so many losses in any case.
    """

    cautious: int
    most: int
    attempts: int = 0
    losses: int = 0

    def allowed(self, own: int) -> int:
        """The losses after which a job is given up that had so many itself."""
        rate = (max(self.losses - own, 0) + 1) / (max(self.attempts - own, 0) + self.cautious)
        if rate >= 1:
            return self.most
        return max(2, min(self.most, math.ceil(math.log(UNLIKELY) / math.log(rate))))


def broken_connections() -> LossRate:
    """A lost connection costs a worker's start."""
    return LossRate(cautious=20, most=20)


def silent_workers() -> LossRate:
    """A worker that does not answer costs the time that a job may take."""
    return LossRate(cautious=1000, most=8)
