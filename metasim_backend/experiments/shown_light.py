"""Light as a picture shows it: strength times exposure.

A longer exposure makes the same picture as a stronger sun and sky do, to the last digit
(``tests/world/test_direct_light.py``). So no matcher can tell the three apart. What a picture does
fix are sun and sky as they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

STRENGTHS = ("sky.sun_strength", "sky.sky_strength")
EXPOSURE = "camera.exposure"  # in stops
SHOWN = " as shown"

Item = TypeVar("Item")


def with_shown_light(samples: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Samples by attribute, [N] of N scenes each, and those of light as shown beside them; just as
    they are where scenes have no such light."""
    exposure = samples.get(EXPOSURE, np.empty(0))
    shown = {
        f"{name}{SHOWN}": samples[name] * 2.0**exposure
        for name in STRENGTHS
        if len(samples.get(name, ())) == len(exposure) > 0
    }
    return {**samples, **shown}


def as_set(table: Mapping[str, Item]) -> dict[str, Item]:
    """Of a table by attribute, the attributes as they are set."""
    return {name: item for name, item in table.items() if not name.endswith(SHOWN)}


def as_shown(table: Mapping[str, Item]) -> dict[str, Item]:
    """The same with light as shown in place of strengths and exposure."""
    if not any(name.endswith(SHOWN) for name in table):
        return dict(table)
    return {name: item for name, item in table.items() if name not in (*STRENGTHS, EXPOSURE)}
