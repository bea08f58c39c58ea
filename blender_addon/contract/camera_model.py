"""What a camera does to the light of a scene: its parameters, with their bounds and units.

A renderer gives scene-linear light; the camera makes the picture of it, in the order in which light
passes through one::

    lens       blur, lateral chromatic aberration, vignette
    exposure   stops
    sensor     shot noise and read noise, before the gains that amplify them
    colour     white balance, 3 x 3 matrix
    tones      black level, gamma, highlight roll-off, the sRGB curve, contrast
    file       sharpening, JPEG, rounding to 8 bits

``blender_addon.camera`` does it with numpy, ``metasim_backend.camera`` with torch and a gradient.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY_MATRIX: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class CameraModelError(ValueError):
    """A camera model that cannot be used; one sentence naming the parameter and its value."""


class Bounds(NamedTuple):
    """Least and greatest value of a parameter, and its unit."""

    least: float
    greatest: float
    unit: str


BOUNDS: dict[str, Bounds] = {
    "blur": Bounds(0.0, 4.0, "px"),
    "red_aberration": Bounds(-0.02, 0.02, "of the radius"),
    "blue_aberration": Bounds(-0.02, 0.02, "of the radius"),
    "vignette": Bounds(0.0, 0.95, "of the light"),
    "vignette_power": Bounds(1.0, 8.0, ""),
    "exposure": Bounds(-8.0, 8.0, "stops"),
    "shot_noise": Bounds(0.0, 0.1, "of the signal"),
    "read_noise": Bounds(0.0, 0.2, "of white"),
    "red_gain": Bounds(0.1, 10.0, "of green's"),
    "blue_gain": Bounds(0.1, 10.0, "of green's"),
    "colour_matrix": Bounds(-4.0, 4.0, ""),
    "black": Bounds(-0.2, 0.2, "of white"),
    "gamma": Bounds(0.3, 3.0, ""),
    "highlights": Bounds(0.0, 0.9, "of white"),
    "contrast": Bounds(-1.0, 1.0, ""),
    "sharpening": Bounds(0.0, 4.0, ""),
    "jpeg_quality": Bounds(0.0, 100.0, ""),
}
"""Of every parameter, in the order in which they are declared."""


@dataclass(frozen=True)
class CameraModel:
    """A camera. The default is the identity: the sRGB curve, clipped at both ends, and no more.

    Lengths are in pixels of the picture that is rendered, so a model belongs to a size of picture.

    Attributes:
        blur: standard deviation of the lens's blur, px, in [0, 4].
        red_aberration, blue_aberration: how much larger red and blue are imaged than green, as a
            share of the distance from the centre, in [-0.02, 0.02].
        vignette: share of the light that the corners lose, in [0, 0.95].
        vignette_power: p of that loss, ``vignette * r**p`` with r = 1 in the corners, in [1, 8].
        exposure: stops, in [-8, 8]; one more is twice the light.
        shot_noise, read_noise: of the sensor, in units in which white is 1. The variance of a
            signal s is ``shot_noise * s + read_noise**2``; in [0, 0.1] and [0, 0.2].
        red_gain, blue_gain: white balance, in [0.1, 10]. Green's gain is 1: a common factor is
            exposure.
        colour_matrix: rows make the red, green and blue of the picture out of the sensor's;
            entries in [-4, 4]. Rows that add to 1 leave greys grey.
        black: linear light that black becomes, in [-0.2, 0.2]: above 0 veils, below 0 crushes the
            shadows. White stays white.
        gamma: exponent of linear light, in [0.3, 3]. Black and white stay where they are.
        highlights: the part of the scale below white, in [0, 0.9], in which highlights are rolled
            off; 0 clips them hard.
        contrast: S-curve after the sRGB curve, in [-1, 1]; the slope at mid-grey is 1 + contrast/2.
        sharpening: weight of an unsharp mask of 1 px, in [0, 4].
        jpeg_quality: 1 to 100, as libjpeg counts it, with halved chroma; 0: no JPEG.

    Raises:
        CameraModelError: when a parameter is no number or out of its bounds.
    """

    blur: float = 0.0
    red_aberration: float = 0.0
    blue_aberration: float = 0.0
    vignette: float = 0.0
    vignette_power: float = 2.0
    exposure: float = 0.0
    shot_noise: float = 0.0
    read_noise: float = 0.0
    red_gain: float = 1.0
    blue_gain: float = 1.0
    colour_matrix: Matrix = IDENTITY_MATRIX
    black: float = 0.0
    gamma: float = 1.0
    highlights: float = 0.0
    contrast: float = 0.0
    sharpening: float = 0.0
    jpeg_quality: float = 0.0

    def __post_init__(self) -> None:
        for name in BOUNDS:
            value = getattr(self, name)
            checked: Any = _matrix(value) if name == "colour_matrix" else _number(name, value)
            object.__setattr__(self, name, checked)

    @property
    def is_identity(self) -> bool:
        """Whether it leaves today's picture as it is."""
        return not self.changes()

    @property
    def has_noise(self) -> bool:
        return self.shot_noise > 0 or self.read_noise > 0

    def changes(self) -> dict[str, Any]:
        """The parameters that are not the identity's and that matter, by name."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found = {f.name: found[f.name] for f in fields(self) if found[f.name] != f.default}
        if "vignette" not in found:
            found.pop("vignette_power", None)
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON- and YAML-ready, every parameter."""
        return asdict(self) | {"colour_matrix": [list(row) for row in self.colour_matrix]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CameraModel:
        """Inverse of :meth:`to_dict`; what is left out is the identity's.

        Raises:
            CameraModelError: on an unknown name or a wrong value.
        """
        if not isinstance(data, Mapping):
            raise CameraModelError(
                f"The camera model {data!r} is not a mapping of parameters to numbers."
            )
        for name in data:
            if name not in BOUNDS:
                raise CameraModelError(
                    f"A camera model has no parameter {name!r}; choose from {', '.join(BOUNDS)}."
                )
        return cls(**data)


def _number(name: str, value: object) -> float:
    least, greatest, unit = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise CameraModelError(f"The camera model's {name} is {value!r}; give a finite number.")
    if not least <= value <= greatest:
        raise CameraModelError(
            f"The camera model's {name} is {value:g}; give {least:g} to {greatest:g}"
            f"{unit and f' {unit}'}."
        )
    return float(value)


def _matrix(value: object) -> Matrix:
    try:
        rows = tuple(tuple(row) for row in value)  # type: ignore[attr-defined]
    except TypeError:
        rows = ()
    if len(rows) != 3 or any(len(row) != 3 for row in rows):
        raise CameraModelError(
            f"The camera model's colour_matrix is {value!r}; give three rows of three numbers."
        )
    (a, b, c), (d, e, f), (g, h, i) = (
        tuple(_number("colour_matrix", entry) for entry in row) for row in rows
    )
    return (a, b, c), (d, e, f), (g, h, i)
