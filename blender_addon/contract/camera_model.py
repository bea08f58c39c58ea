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

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from .text_files import shown

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
LARGEST = 1e300  # what is larger, no float may hold
IDENTITY_MATRIX: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


class CameraModelError(ValueError):
    """A camera model that cannot be used; one sentence naming the parameter and its value."""


class Bounds(NamedTuple):
    """Least and greatest value of a parameter, its unit, and what it is."""

    least: float
    greatest: float
    unit: str
    meaning: str


_ABERRATION = "How much larger {} is imaged than green, as a share of the distance from the centre."
_SENSOR = "White is 1, and a signal s has the variance shot_noise s + read_noise²."
_BALANCE = "White balance: the gain of {}. Green's is 1, since a common factor is exposure."

BOUNDS: dict[str, Bounds] = {
    "blur": Bounds(0.0, 4.0, "px", "Standard deviation of the lens's blur."),
    "red_aberration": Bounds(-0.02, 0.02, "of the radius", _ABERRATION.format("red")),
    "blue_aberration": Bounds(-0.02, 0.02, "of the radius", _ABERRATION.format("blue")),
    "vignette": Bounds(0.0, 0.95, "of the light", "Share of the light that the corners lose."),
    "vignette_power": Bounds(
        1.0, 8.0, "", "p of that loss, which is vignette r^p with r = 1 in the corners."
    ),
    "exposure": Bounds(-8.0, 8.0, "stops", "One more is twice the light."),
    "shot_noise": Bounds(0.0, 0.1, "of the signal", f"Noise of the light. {_SENSOR}"),
    "read_noise": Bounds(0.0, 0.2, "of white", f"Noise of the sensor. {_SENSOR}"),
    "red_gain": Bounds(0.1, 10.0, "of green's", _BALANCE.format("red")),
    "blue_gain": Bounds(0.1, 10.0, "of green's", _BALANCE.format("blue")),
    "colour_matrix": Bounds(
        -4.0,
        4.0,
        "",
        "Its rows make the red, green and blue of the picture out of the sensor's. Rows that add "
        "to 1 leave greys grey.",
    ),
    "black": Bounds(
        -0.2,
        0.2,
        "of white",
        "Linear light that black becomes. Above 0 veils, below 0 crushes the shadows. White stays "
        "white.",
    ),
    "gamma": Bounds(0.3, 3.0, "", "Exponent of linear light. Black and white stay as they are."),
    "highlights": Bounds(
        0.0,
        0.9,
        "of white",
        "The part of the scale below white in which highlights are rolled off. 0 clips them hard.",
    ),
    "contrast": Bounds(
        -1.0, 1.0, "", "S-curve after the sRGB curve. The slope at mid-grey is 1 + contrast / 2."
    ),
    "sharpening": Bounds(0.0, 4.0, "", "Weight of an unsharp mask of 1 px."),
    "jpeg_quality": Bounds(
        0.0, 100.0, "", "1 to 100, as libjpeg counts it, with halved chroma. 0: no JPEG."
    ),
}
"""Of every parameter, in the order in which they are declared."""


@dataclass(frozen=True)
class CameraModel:
    """A camera. The default is the identity: the sRGB curve, clipped at both ends, and no more.

    Lengths are in pixels of the picture that is rendered, so a model belongs to a size of picture.
    :data:`BOUNDS` says what each parameter is.

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
    least, greatest, unit, _ = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        raise CameraModelError(
            f"The camera model's {name} is {shown(value)}; give a finite number."
        )
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
            f"The camera model's colour_matrix is {shown(value)}; give three rows of three numbers."
        )
    (a, b, c), (d, e, f), (g, h, i) = (
        tuple(_number("colour_matrix", entry) for entry in row) for row in rows
    )
    return (a, b, c), (d, e, f), (g, h, i)
