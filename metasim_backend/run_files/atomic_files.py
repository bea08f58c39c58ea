"""Files that are either there whole or not at all."""

from __future__ import annotations

import io
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO

SHOWN_OF_NAME = 24


def write_atomically(
    path: Path, write: Callable[[IO[bytes]], object], temporary: tuple[Path, str] | None = None
) -> None:
    """Write to a temporary name in the same folder, flush to disk, then rename.

    Args:
        write: is given the open binary file.
        temporary: folder on the same disk, and prefix, of the temporary name; None: beside the
            file.
    """
    try:
        _write(path, write, temporary)
    except OSError as error:
        # A full disk names no file by itself; other errors name the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(
    path: Path, write: Callable[[IO[bytes]], object], temporary: tuple[Path, str] | None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    folder, prefix = temporary or (path.parent, temporary_prefix(path))
    handle, name = tempfile.mkstemp(dir=folder, prefix=prefix)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def temporary_prefix(path: Path) -> str:
    """What names of temporary files beside a file begin with. They are short: its own name may be
    as long as names can be."""
    return f".{path.name[:SHOWN_OF_NAME]}."


def write_text(path: Path, text: str) -> None:
    """Write text atomically, as UTF-8; of names that are not text, what is none is escaped."""
    write_atomically(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def _on_cpu(content: object) -> object:
    """The same mappings and lists with their tensors on the CPU."""
    import torch

    if isinstance(content, torch.Tensor):
        return content.cpu()
    if isinstance(content, OrderedDict):
        return OrderedDict((key, _on_cpu(value)) for key, value in content.items())
    if isinstance(content, dict):
        return {key: _on_cpu(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_on_cpu(value) for value in content]
    if isinstance(content, tuple):
        return tuple(_on_cpu(value) for value in content)
    return content


def write_tensors(path: Path, content: object) -> None:
    """Write what ``torch.save`` writes, atomically, with all tensors on the CPU: what a GPU wrote
    is read where there is none.

    It is made in memory first: on a full disk torch hides the system's error behind its own.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(_on_cpu(content), buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))
