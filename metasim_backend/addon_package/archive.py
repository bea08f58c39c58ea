"""The zip that Blender installs, as an extension (4.2 on) and as a legacy add-on (3.4 to 4.1).

It has one folder, ``metasim``. Extensions look for ``blender_manifest.toml`` in it, legacy add-ons
are unpacked as the folder that it is. The same files give the same bytes on every machine: names
are sorted, dates and rights are fixed, and nothing is compressed.
"""

from __future__ import annotations

import io
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import blender_addon
from metasim_backend.shipped_files.folders import licence

FOLDER = "metasim"
MANIFEST = "blender_manifest.toml"
_LICENCE = "LICENSE"
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold
_RIGHTS = 0o100644 << 16
_LEFT_OUT = (".pyc", ".pyo", "~")


class PackageError(ValueError):
    """An add-on that cannot be packed or installed; one sentence with the remedy."""


def addon_folder() -> Path:
    """Where the add-on's source is."""
    return Path(blender_addon.__file__).parent


def addon_version() -> str:
    """The version in the manifest.

    Raises:
        PackageError: when there is no manifest, or no version in it.
    """
    path = addon_folder() / MANIFEST
    try:
        return str(tomllib.loads(path.read_text(encoding="utf-8"))["version"])
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise PackageError(
            f"{path} does not tell the add-on's version ({error}); repair the installation."
        ) from None


def archive_name() -> str:
    """The usual name of the zip."""
    return f"{FOLDER}-{addon_version()}.zip"


def archive_bytes() -> bytes:
    """The zip's content.

    Raises:
        PackageError: when the add-on's source is not whole.
    """
    addon_version()
    files = {f"{FOLDER}/{name}": content for name, content in addon_files().items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = 3  # as on Unix, wherever it is made
            entry.external_attr = _RIGHTS
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def addon_files() -> dict[str, bytes]:
    """What the zip holds, by its name in the folder.

    Raises:
        PackageError: when the licence is missing.
    """
    root = addon_folder()
    found = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and _belongs(path.relative_to(root))
    }
    try:
        found[_LICENCE] = licence()
    except (OSError, PackageNotFoundError) as error:
        raise PackageError(
            f"The licence cannot be packed ({error}); repair the installation."
        ) from None
    return found


def _belongs(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return not hidden and not path.name.endswith(_LEFT_OUT)
