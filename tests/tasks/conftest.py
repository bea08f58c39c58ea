"""Streets for task networks."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_streets import draw_street

from blender_addon.contract.frames import Frame


@pytest.fixture(scope="session")
def draw_streets():
    """Function (count, seed, width, height) -> frames; a frame depends on its place and seed."""

    def draw(count: int, seed: int, width: int = 160, height: int = 96) -> list[Frame]:
        return [draw_street(np.random.default_rng([seed, i]), width, height) for i in range(count)]

    return draw
