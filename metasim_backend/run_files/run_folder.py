"""A run's folder: settings, measurements, checkpoints; nothing there is lost without --force."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml

from metasim_backend.run_files.atomic_files import write_atomically, write_text


class RunFolderError(ValueError):
    """A run's folder that cannot be used as asked; one sentence with the remedy."""


@dataclass(frozen=True)
class RunFolder:
    """Where one run keeps what it makes.

    Layout: ``config.yaml``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/{last,best}.pt``,
    ``frames/``, ``report_data/``, ``report.html``.
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
    def report_data(self) -> Path:
        return self.path / "report_data"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @classmethod
    def create(cls, path: Path, config: Mapping[str, object], *, force: bool = False) -> RunFolder:
        """A new run's folder with its resolved settings.

        Raises:
            RunFolderError: when something is there already and force is not given.
        """
        run = cls(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            if not path.is_dir() or not (force and run.config.exists()):
                raise RunFolderError(
                    f"{path} exists already; choose another folder with --run, go on with it "
                    "with --resume, or replace a run with --force."
                )
            shutil.rmtree(path)
        run.checkpoints.mkdir(parents=True)
        write_text(run.config, yaml.safe_dump(dict(config), sort_keys=False))
        return run

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

    def read_config(self) -> dict:
        data = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise RunFolderError(f"{self.config} is not a mapping; it was damaged.")
        return data

    def save_checkpoint(self, state: Mapping[str, Any], name: str = "last") -> None:
        """Write a checkpoint atomically: one dict of tensors and plain data."""
        path = self.checkpoints / f"{name}.pt"
        write_atomically(path, lambda file: torch.save(dict(state), file))

    def load_checkpoint(self, name: str = "last") -> dict[str, Any] | None:
        """The checkpoint of this name, or None when there is none yet."""
        path = self.checkpoints / f"{name}.pt"
        if not path.exists():
            return None
        return torch.load(path, map_location="cpu", weights_only=True)

    def write_json(self, name: str, data: object) -> None:
        """Write ``report_data/NAME`` atomically."""
        write_text(self.report_data / name, json.dumps(data, indent=1) + "\n")

    def read_json(self, name: str) -> Any:
        path = self.report_data / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
