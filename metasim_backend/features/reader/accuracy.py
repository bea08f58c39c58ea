"""How well a reader reads: on renders that it was not trained on, against what they show.

Two shares of variance are told apart. R² asks whether the reading *is* the value; it falls below 0
where a reader is biased. The squared correlation asks whether the reading *follows* the value. That
is enough for matching, since renders are misread like targets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import Readings
from metasim_backend.features.reader.targets import OBJECT_NUMBERS, ReaderTargets

NEAR = 25.0
"""Metres within which objects count."""
DISTANCE = OBJECT_NUMBERS.index("log distance")
LEAST_OBJECTS = 10


@dataclass(frozen=True)
class Accuracy:
    """One number's.

    Attributes:
        r2: share of the variance that the reading explains.
        followed: squared correlation of reading and value.
        count: pictures or objects.
    """

    r2: float
    followed: float
    count: int


def accuracy(reader: Reader, readings: Readings, targets: ReaderTargets) -> dict[str, Accuracy]:
    """Of every number of the scene by name, and of objects nearer than 25 m by class and number,
    such as ``"car: log distance"``."""
    out = {}
    wanted = (targets.scene - reader.scene_scale[0]) / reader.scene_scale[1]
    for place, name in enumerate(reader.names.scene):
        found = _accuracy(readings.scene[:, place], wanted[:, place])
        if found is not None:
            out[name] = found
    return out | _of_objects(reader, readings, targets)


def _of_objects(reader: Reader, readings: Readings, targets: ReaderTargets) -> dict[str, Accuracy]:
    assert readings.owners is not None, "pictures without labels have no truth"
    count = len(reader.names.objects)
    shown = readings.owners >= 0
    picture, place = readings.pictures[shown], readings.owners[shown]
    read = readings.objects[shown, :count] * reader.object_scale[1] + reader.object_scale[0]
    truth, kind = targets.numbers[picture, place], targets.kinds[picture, place]
    near = truth[:, DISTANCE] < math.log(NEAR)
    out = {}
    for place_of_class, class_name in enumerate(reader.names.classes):
        chosen = near & (kind == place_of_class + 1)
        for number, name in enumerate(reader.names.objects):
            found = _accuracy(read[chosen, number], truth[chosen, number])
            if found is not None:
                out[f"{class_name}: {name}"] = found
    return out


def _accuracy(reading: Tensor, value: Tensor) -> Accuracy | None:
    """None for few values, or for values that do not vary."""
    counted = ~value.isnan()
    reading, value = reading[counted].double(), value[counted].double()
    if len(value) < LEAST_OBJECTS or float(value.std()) < 1e-9:
        return None
    variance = (value - value.mean()).square().mean()
    apart = reading - reading.mean()
    shared = (apart * (value - value.mean())).mean()
    followed = shared.square() / (variance * apart.square().mean()).clamp_min(1e-12)
    error = (reading - value).square().mean()
    return Accuracy(float(1 - error / variance), float(followed), len(value))
