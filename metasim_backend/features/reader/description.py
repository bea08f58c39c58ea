"""What was read in single pictures, in a grammar's units."""

from __future__ import annotations

import math
from dataclasses import dataclass

from metasim_backend.features.reader.reader import Reader
from metasim_backend.features.reader.readings import Readings
from metasim_backend.features.reader.targets import OBJECT_NUMBERS
from metasim_backend.grammar.encoding import Encoding


@dataclass(frozen=True)
class ReadObject:
    """An object that was found.

    Attributes:
        class_name: its most probable class.
        probability: of that class.
        box: x0, y0, x1, y1 as shares of the picture's sides.
        distance: metres along the camera's axis.
        offset: metres to the right of it.
        aspect: the yaw at which it is seen, degrees (KITTI's alpha).
    """

    class_name: str
    probability: float
    box: tuple[float, float, float, float]
    distance: float
    offset: float
    aspect: float

    @property
    def words(self) -> str:
        """Such as ``"car 14 m +20°"``."""
        return f"{self.class_name} {self.distance:.0f} m {self.aspect:+.0f}°"


@dataclass(frozen=True)
class ReadPicture:
    """A picture's.

    Attributes:
        attributes: by class and attribute, of what there is once in a scene, within its range.
        objects: the nearest first.
    """

    attributes: dict[str, dict[str, float]]
    objects: tuple[ReadObject, ...]

    @property
    def lines(self) -> tuple[str, str]:
        """Two lines about the whole scene, such as ``"camera  height 1.6  pitch -2"``."""
        parts = [
            f"{class_name}  " + "  ".join(f"{name} {value:.3g}" for name, value in values.items())
            for class_name, values in self.attributes.items()
        ]
        middle = -(-len(parts) // 2)
        return "   ".join(parts[:middle]), "   ".join(parts[middle:])


def described(reader: Reader, readings: Readings, encoding: Encoding) -> list[ReadPicture]:
    """Readings of pictures in words and units."""
    scale = reader.scene_scale
    scene = (readings.scene[:, : scale.shape[1]] * scale[1] + scale[0]).tolist()
    objects = _objects(reader, readings)
    return [
        ReadPicture(_attributes(reader.names.scene, row, encoding), tuple(own))
        for row, own in zip(scene, objects, strict=True)
    ]


def _attributes(
    names: tuple[str, ...], row: list[float], encoding: Encoding
) -> dict[str, dict[str, float]]:
    read = dict(zip(names, row, strict=True))
    out: dict[str, dict[str, float]] = {}
    for slot in encoding.slots:
        if slot.name in read:
            low, _ = slot.attribute.bounds
            value = low + read[slot.name] * slot.attribute.span
        elif f"{slot.name} sin" in read:
            turn = math.atan2(read[f"{slot.name} sin"], read[f"{slot.name} cos"])
            value = turn / (2 * math.pi) * slot.attribute.span
        else:
            continue
        out.setdefault(slot.class_name, {})[slot.attribute.name] = float(slot.attribute.fit(value))
    return out


def _objects(reader: Reader, readings: Readings) -> list[list[ReadObject]]:
    count, scale = len(reader.names.objects), reader.object_scale
    numbers = (readings.objects[:, :count] * scale[1] + scale[0]).tolist()
    out: list[list[ReadObject]] = [[] for _ in range(len(readings))]
    for picture, row, shares, box in zip(
        readings.pictures.tolist(),
        numbers,
        readings.shares.tolist(),
        readings.boxes.tolist(),
        strict=True,
    ):
        read = dict(zip(OBJECT_NUMBERS, row, strict=True))
        best = max(range(len(shares)), key=shares.__getitem__)
        out[picture].append(
            ReadObject(
                reader.names.classes[best],
                shares[best],
                tuple(box),
                math.exp(read["log distance"]),
                read["lateral offset"],
                math.degrees(math.atan2(read["sin aspect"], read["cos aspect"])),
            )
        )
    return [sorted(objects, key=lambda one: one.distance) for objects in out]
