"""A camera model in YAML: the mapping ``camera_model`` of a scene file, or a file of its own."""

from __future__ import annotations

import os
from typing import Any

from blender_addon.contract.camera_model import BOUNDS, CameraModel, CameraModelError
from blender_addon.contract.text_files import TextFileError, read_text
from metasim_backend.grammar.language import GrammarError
from metasim_backend.grammar.source import Located, parse

KEY = "camera_model"


def read_camera(found: Located) -> CameraModel:
    """Read and check the mapping of parameters to numbers.

    Raises:
        GrammarError: one sentence naming file, line and key.
    """
    values: dict[str, Any] = {}
    for name, place in found.mapping(tuple(BOUNDS)).items():
        if name == "colour_matrix":
            rows = [row.sequence(3) for row in place.sequence(3)]
            values[name] = [[entry.number() for entry in row] for row in rows]
        else:
            values[name] = place.number()
        try:
            CameraModel(**{name: values[name]})
        except CameraModelError as error:
            place.fail(f"{error}")
    return CameraModel(**values)


def load_camera_file(path: str | os.PathLike) -> CameraModel:
    """A camera model's own file: the mapping, or ``camera_model:`` with the mapping below it.

    Raises:
        GrammarError: one sentence naming file, line and key.
    """
    try:
        text = read_text(path)
    except TextFileError as error:
        raise GrammarError(f"The camera model {error}") from None
    tree = parse(text, str(path))
    found = tree.mapping()
    return read_camera(found[KEY] if tuple(found) == (KEY,) else tree)
