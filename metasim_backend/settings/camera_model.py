"""The camera model as a group of settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator

from blender_addon.contract.camera_model import CameraModel, CameraModelError


def camera_model_of(value: Any) -> CameraModel:
    """A camera model from plain data. Numbers may be text, and the matrix nine, row by row.

    Raises:
        CameraModelError: on an unknown name or a wrong value.
    """
    if not isinstance(value, Mapping):
        return value if isinstance(value, CameraModel) else CameraModel.from_dict(value)
    return CameraModel.from_dict({name: _number(name, given) for name, given in value.items()})


def _number(name: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        numbers = [float(text) for text in value.split(",")]
    except ValueError:
        raise CameraModelError(
            f"Setting 'camera_model.{name}' is {value!r}; give a number."
        ) from None
    if name == "colour_matrix":
        return [numbers[i : i + 3] for i in range(0, len(numbers), 3)]
    return numbers[0] if len(numbers) == 1 else value


CameraGroup = Annotated[CameraModel, PlainValidator(camera_model_of)]
