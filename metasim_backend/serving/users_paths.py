"""Checks of the paths that a panel sends: each wrong one is said in a sentence at once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

RUN_FILE = "config.yaml"


class RequestError(ValueError):
    """A request that cannot be met; one sentence with the remedy, for the panel."""


def whole_path(text: object, what: str) -> Path:
    """An absolute path.

    Raises:
        RequestError: when it is not one.
    """
    path = Path(str(text)).expanduser()
    if not path.is_absolute():
        raise RequestError(f"The {what} {text!r} is not a whole path; choose it again.")
    return path


def existing_file(text: object, what: str) -> Path:
    path = whole_path(text, what)
    if not path.is_file():
        raise RequestError(f"There is no {what} {path}; choose another.")
    return path


def existing_folder(text: object, what: str) -> Path:
    path = whole_path(text, what)
    if not path.is_dir():
        raise RequestError(f"There is no {what} {path}; choose another.")
    return path


def existing_run(text: object) -> Path:
    path = existing_folder(text, "run folder")
    if not (path / RUN_FILE).is_file():
        raise RequestError(f"{path} holds no run (no {RUN_FILE}); choose a run's folder.")
    return path


def new_run(text: object) -> Path:
    """A folder in which a run can be begun: new or empty, and writable."""
    path = whole_path(text, "run folder")
    if path.is_dir() and any(path.iterdir()):
        if (path / RUN_FILE).is_file():
            raise RequestError(
                f"{path} holds a run already; resume it, or choose another run folder."
            )
        raise RequestError(f"{path} holds other files; choose a new or empty run folder.")
    return writable_folder(path, "run folder")


def writable_folder(path: Path, what: str) -> Path:
    """A folder that can be made and written to; it is tried, and nothing of the trial stays.

    Raises:
        RequestError: when it cannot.
    """
    made = []
    missing = path
    while not missing.exists() and missing != missing.parent:
        made.append(missing)
        missing = missing.parent
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise RequestError(
            f"The {what} {path} cannot be written to ({error.strerror}); choose another."
        ) from None
    finally:
        for folder in made:
            try:
                folder.rmdir()
            except OSError:
                break
    return path


def executable(text: object) -> str | None:
    """An installed Blender's path, or None when none was given."""
    if text is None:
        return None
    if shutil.which(str(text)) is None:
        raise RequestError(f"There is no Blender at {text}; choose its executable.")
    return str(text)
