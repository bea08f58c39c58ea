"""torchvision's weights from torch hub's cache or from the network, without ever hanging."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import urlopen

import torch

_CHUNK = 1 << 20


class DownloadError(ValueError):
    """Weights that are neither cached nor to be had in time."""


def cached_or_downloaded(
    url: str, *, first_answer: float = 5.0, whole: float = 600.0, folder: Path | None = None
) -> Path:
    """The local file of a weights address, downloaded when it is not in the cache.

    Args:
        url: ends in ``name-xxxxxxxx.pth``, x the first digits of the file's SHA-256, as
            torchvision's do; checked after a download.
        first_answer: seconds within which the server has to answer.
        whole: seconds within which the whole file has to arrive.
        folder: the cache; None: torch hub's.

    Raises:
        DownloadError: with one sentence.
    """
    folder = Path(torch.hub.get_dir()) / "checkpoints" if folder is None else folder
    path = folder / Path(urlparse(url).path).name
    if path.is_file():
        return path
    deadline = time.monotonic() + whole
    try:
        response = _within(first_answer, lambda: urlopen(url, timeout=first_answer))
        folder.mkdir(parents=True, exist_ok=True)
        _store(response, path, deadline)
    except (OSError, ValueError) as error:  # URLError and TimeoutError are OSErrors
        reason = str(error).rstrip(".") or type(error).__name__
        raise DownloadError(
            f"{path.name} is not in {folder} and could not be fetched ({reason}); put the file "
            "there, give a weights file by its path, or choose features 'prior'."
        ) from error
    return path


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """The call's result; looking a name up ignores socket time-outs, so it gets a thread."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            outcome.append(call())
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return outcome[0]


def _store(response: Any, path: Path, deadline: float) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file, response:
            while chunk := response.read(_CHUNK):
                if time.monotonic() > deadline:
                    raise TimeoutError("the download is too slow")
                digest.update(chunk)
                file.write(chunk)
        expected = path.stem.rpartition("-")[2]
        if not digest.hexdigest().startswith(expected):
            raise ValueError(f"the file's SHA-256 does not begin with {expected}")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
