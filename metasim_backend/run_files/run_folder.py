"""A run's folder: settings, measurements, checkpoints; nothing there is lost without --force."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
import yaml

from metasim_backend.run_files.atomic_files import write_tensors, write_text
from metasim_backend.run_files.locks import lock

LOCK = "lock"
# What a run's folder may hold; --force removes nothing else.
PARTS = (
    "config.yaml",
    LOCK,
    "metrics.jsonl",
    "tensorboard",
    "checkpoints",
    "frames",
    "renders",
    "report_data",
    "report.html",
    "dataset",
)


class RunFolderError(ValueError):
    """A run's folder that cannot be used as asked; one sentence with the remedy."""


def load_tensors(path: Path, what: str) -> Any:
    """What :func:`.write_tensors` wrote.

    Raises:
        RunFolderError: when it is damaged; it begins with ``what``.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files raise whatever the damage leads to
        raise RunFolderError(
            f"{what} cannot be read ({type(error).__name__}); put a whole one there or train again."
        ) from None


@contextlib.contextmanager
def as_it_was_written(path: Path) -> Iterator[None]:
    """While the content of a file of ours is used.

    Raises:
        RunFolderError: where it is not as we write it: damaged, or of another version.
    """
    try:
        yield
    except (RuntimeError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as e:
        if type(e).__module__.startswith(("metasim_backend.", "blender_addon.")):
            raise
        said = " ".join(str(e).split())[:200]
        raise RunFolderError(
            f"{path} is not as this version writes it ({type(e).__name__}: {said}); put a whole "
            "one there or train again."
        ) from e


@dataclass(frozen=True)
class RunFolder:
    """Where one run keeps what it makes.

    Layout: ``config.yaml``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/{last,best}.pt``,
    ``frames/``, ``renders/``, ``report_data/``, ``report.html``, and the demo's ``dataset/``.
    """

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def renders(self) -> Path:
        return self.path / "renders"

    @property
    def report_data(self) -> Path:
        return self.path / "report_data"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @classmethod
    def create(cls, path: Path, config: Mapping[str, object], *, force: bool = False) -> RunFolder:
        """A new run's folder with its resolved settings.

        Raises:
            RunFolderError: when something is there already and force is not given, or the folder
                cannot be made.
        """
        run = cls(path)
        cls.check_free(path, force=force)
        try:
            if run.config.exists():
                shutil.rmtree(path)
            run.checkpoints.mkdir(parents=True)
            write_text(run.config, yaml.safe_dump(dict(config), sort_keys=False))
        except OSError as error:
            raise RunFolderError(
                f"The run's folder {path} cannot be made ({error.strerror}); choose another with "
                "--run."
            ) from None
        return run

    @classmethod
    def check_free(cls, path: Path, *, force: bool = False) -> None:
        """Whether a new run may be made here; nothing is touched.

        Raises:
            RunFolderError: when something is there already, unless it is a run and nothing else
                and force is given.
        """
        if not path.exists():
            cls._check_writable(path)
            return
        there = sorted(item.name for item in path.iterdir()) if path.is_dir() else []
        if path.is_dir() and not there:
            cls._check_writable(path)
            return
        if "config.yaml" not in there or not force:
            raise RunFolderError(
                f"{path} exists already; choose another folder with --run, go on with it "
                "with --resume, or replace a run with --force."
            )
        others = [name for name in there if name not in PARTS]
        if others:
            raise RunFolderError(
                f"{path} holds {others[0]!r} too, which is no part of a run, so --force leaves "
                "it all; move that away or choose another folder with --run."
            )
        cls(path).check_unused()
        cls._check_writable(path)

    @staticmethod
    def _check_writable(path: Path) -> None:
        place = path
        while not place.exists() and place != place.parent:
            place = place.parent
        if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
            why = "may not be written to" if place.is_dir() else "is a file"
            raise RunFolderError(
                f"The run's folder {path} cannot be made ({place} {why}); choose another with "
                "--run."
            )

    @classmethod
    def exists(cls, path: Path) -> bool:
        """Whether there is a run in this folder."""
        return cls(path).config.is_file()

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """A run's folder that exists.

        Raises:
            RunFolderError: when it is not one.
        """
        run = cls(path)
        if not run.config.is_file():
            raise RunFolderError(
                f"{path} is not a run's folder (it has no config.yaml); train one with "
                "metasim train --run."
            )
        return run

    def check_unused(self) -> None:
        """Whether the run may be gone on with, or replaced.

        Raises:
            RunFolderError: when another process owns it, or nothing can be written there.
        """
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise RunFolderError(
                f"Nothing can be written into {self.path}, so the run cannot be gone on with; copy "
                "it to another place, or change who may write there."
            )
        path = self.path / LOCK
        if path.exists():
            with path.open(encoding="ascii") as file:
                self._take(file)

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Nobody else may write into the run meanwhile. A process that dies owns nothing.

        Raises:
            RunFolderError: when another process owns it.
        """
        with (self.path / LOCK).open("a+", encoding="ascii") as file:
            self._take(file)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _take(self, file: IO[str]) -> None:
        """Lock the open file until it is closed, or its process ends."""
        if not lock(file.fileno()):
            file.seek(0)
            owner = file.read().strip()
            which = f" (process {owner})" if owner else ""
            raise RunFolderError(
                f"{self.path} is in use by another metasim{which}; wait until that has ended, "
                "or stop it."
            )

    def read_config(self) -> dict:
        """The content of ``config.yaml``.

        Raises:
            RunFolderError: when it is damaged.
        """
        try:
            data = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise RunFolderError(
                f"{self.config} cannot be read ({type(error).__name__}); it was damaged."
            ) from None
        if not isinstance(data, dict):
            raise RunFolderError(f"{self.config} is not a mapping; it was damaged.")
        return data

    def save_checkpoint(self, state: Mapping[str, Any], name: str = "last") -> None:
        """Write a checkpoint atomically: one dict of tensors and plain data."""
        path = self.checkpoints / f"{name}.pt"
        write_tensors(path, dict(state))

    def has_checkpoint(self, name: str = "last") -> bool:
        """Whether there is a checkpoint of that name."""
        return (self.checkpoints / f"{name}.pt").is_file()

    def load_checkpoint(self, name: str = "last") -> dict[str, Any] | None:
        """The checkpoint of this name, or None when there is none yet.

        Raises:
            RunFolderError: when it is damaged.
        """
        path = self.checkpoints / f"{name}.pt"
        if not path.exists():
            return None
        content = load_tensors(path, f"The checkpoint {path}")
        if not isinstance(content, dict):
            raise RunFolderError(
                f"The checkpoint {path} holds a {type(content).__name__}; put a whole one there or "
                "train again."
            )
        return content

    def used(self, name: str = "last") -> contextlib.AbstractContextManager[None]:
        """While the content of a checkpoint is used: what does not fit is told with its file."""
        return as_it_was_written(self.checkpoints / f"{name}.pt")

    def write_json(self, name: str, data: object) -> None:
        """Write ``report_data/NAME`` atomically."""
        write_text(self.report_data / name, json.dumps(data, indent=1) + "\n")

    def read_json(self, name: str) -> Any:
        path = self.report_data / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
