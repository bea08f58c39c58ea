"""Catalogues of assets: what models there are of each class, how large, and under what licence.

The shipped one is ``assets/catalogue.json``. Users put files of their own (.blend, .glb, .gltf,
.obj) into a folder with a ``catalogue.json`` and name the folder in the environment variable
``METASIM_ASSETS`` (several are joined as in ``PATH``)::

    {"assets": [{"name": "taxi", "class": "car", "file": "taxi.glb", "length": 4.5,
                 "turn": 90, "weight": 2, "licence": "CC-BY-4.0"}]}

``length``, ``width`` and ``height`` are metres; a file is scaled to its ``length`` (things that a
node's ``height`` scales: to one metre). ``turn`` (degrees, anticlockwise) brings its front to +X.
``weight`` is how often a grammar draws it, where 1 is as often as the shipped models in the mean.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .street_classes import STREET_CLASSES
from .text_files import TextFileError, read_json, shown

FOLDERS = "METASIM_ASSETS"
FILE = "catalogue.json"
FORMATS = (".blend", ".glb", ".gltf", ".obj")
_NUMBERS = ("length", "width", "height", "turn", "weight")
_WORDS = ("name", "class", "file", "licence", "source", "up")
AXES = ("x", "y", "z")
LARGEST = 1e7
"""Of a catalogue's numbers."""
MOST_TOLD = 20


class CatalogueError(ValueError):
    """A catalogue that cannot be used; one sentence: the file, the entry and the remedy."""


@dataclass(frozen=True)
class Asset:
    """A model that a class of nodes can have.

    Attributes:
        name: the category of the node's attribute ``model``.
        class_name: the class.
        length, width, height: metres, front to back first; 0 where the file's own size counts.
        licence: an SPDX name.
        file: where it is kept; None for what the add-on makes itself.
        turn: degrees, anticlockwise, that bring its front to +X.
        up: the file's axis that is up, x, y or z; empty for the format's own.
        weight: how often it is drawn, 1 as often as the shipped models in the mean.
        faces: polygons, where known.
    """

    name: str
    class_name: str
    length: float = 0.0
    width: float = 0.0
    height: float = 0.0
    licence: str = ""
    file: Path | None = None
    turn: float = 0.0
    up: str = ""
    weight: float = 1.0
    faces: int = 0


def asset_folders(environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The folders that ``METASIM_ASSETS`` names, in order."""
    named = (os.environ if environment is None else environment).get(FOLDERS, "")
    return tuple(Path(part).expanduser() for part in named.split(os.pathsep) if part)


def user_assets(folders: tuple[Path, ...] | None = None) -> tuple[Asset, ...]:
    """The assets of users' folders, of those in ``METASIM_ASSETS`` when none are given.

    Raises:
        CatalogueError: when a folder has no catalogue, or two entries have one name.
    """
    found: dict[tuple[str, str], Asset] = {}
    for folder in asset_folders() if folders is None else folders:
        for asset in read_catalogue(folder / FILE):
            key = asset.class_name, asset.name
            if key in found:
                raise CatalogueError(
                    f"{folder / FILE}: the {asset.class_name} {asset.name!r} is also in "
                    f"{found[key].file}; give one of them another name."
                )
            found[key] = asset
    return tuple(found.values())


def read_catalogue(path: Path) -> tuple[Asset, ...]:
    """The entries of a catalogue file.

    Raises:
        CatalogueError: when it is missing, is not JSON or an entry is wrong.
    """
    try:
        content = read_json(path)
    except TextFileError as error:
        if not path.exists():
            raise CatalogueError(
                f"There is no catalogue {path}; write one, such as "
                '{"assets": [{"name": "taxi", "class": "car", "file": "taxi.glb", "length": 4.5}]}.'
            ) from None
        raise CatalogueError(f"The catalogue {error}") from None
    entries = content.get("assets") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise CatalogueError(f"{path}: expected an object with the list 'assets'.")
    assets, wrong = [], []
    for number, entry in enumerate(entries, 1):
        try:
            assets.append(_read(entry, number, path))
        except CatalogueError as error:
            wrong.append(str(error))
    if len(wrong) == 1:
        raise CatalogueError(wrong[0])
    if wrong:
        told = wrong[:MOST_TOLD] + ["..."] * (len(wrong) > MOST_TOLD)
        lines = "".join(f"\n  {line}" for line in told)
        raise CatalogueError(f"{len(wrong)} of {len(entries)} entries cannot be used:{lines}")
    return tuple(assets)


def _read(entry: object, number: int, path: Path) -> Asset:
    where = f"{path}, entry {number}"
    if not isinstance(entry, dict):
        raise CatalogueError(f"{where}: expected an object with 'name' and 'class'.")
    values: dict = dict(entry)
    faces = values.pop("faces", 0)
    for name, value in values.items():
        if name in _NUMBERS:
            good = isinstance(value, (int, float)) and abs(value) <= LARGEST
            if not good or isinstance(value, bool) or (name != "turn" and value < 0):
                raise CatalogueError(f"{where}: {name!r} is {shown(value)}, not a number from 0.")
        elif name in _WORDS:
            if not isinstance(value, str) or not value:
                raise CatalogueError(f"{where}: {name!r} is {shown(value)}, not a text.")
        else:
            known = ", ".join((*_WORDS, *_NUMBERS))
            raise CatalogueError(f"{where}: unknown key {shown(name)}; known are {known}.")
    for name in ("name", "class"):
        if name not in values:
            raise CatalogueError(f"{where}: {name!r} is missing.")
    if values.get("up", "z") not in AXES:
        raise CatalogueError(f"{where}: 'up' is {shown(values['up'])}; use {', '.join(AXES)}.")
    class_name = values.pop("class")
    if class_name not in STREET_CLASSES:
        known = ", ".join(STREET_CLASSES)
        raise CatalogueError(f"{where}: unknown class {shown(class_name)}; use {known}.")
    values.pop("source", None)
    file = values.pop("file", None)
    if file is not None:
        try:
            there = (path.parent / file).is_file()
        except (OSError, ValueError):  # longer than names can be
            there = False
        file = path.parent / file
        if file.suffix.lower() not in FORMATS:
            raise CatalogueError(f"{where}: {file.name} is not one of {', '.join(FORMATS)}.")
        if not there:
            raise CatalogueError(f"{where}: there is no file {file}.")
    return Asset(class_name=class_name, file=file, faces=faces, **values)
