"""What a finished (or interrupted) run left in its folder, read and checked for the report."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from metasim_backend.reporting.attributes import AttributeSamples, ReportError, read_attributes
from metasim_backend.run_files.metrics import read_metrics

KINDS_OF_PICTURES = ("target", "prior", "learned")
_PICTURES = ("*.png", "*.jpg", "*.jpeg")


@dataclass(frozen=True)
class RunRecord:
    """A run's folder in memory; what was absent is empty.

    Attributes:
        folder: where it was read from.
        config: the resolved settings.
        metrics: the lines of ``metrics.jsonl``.
        summary: ``report_data/summary.json``.
        attributes: ``report_data/attributes.json``.
        structure: ``report_data/structure.json``.
        reader: ``report_data/reader.json``.
        evidence: ``report_data/evidence.json``.
        pictures: paths by kind (target, prior, learned), in order of their names.
        progress: paths by scene (``NN``) and step.
        steps: ``report_data/steps/``, numbers by step and attribute.
        read_target: ``report_data/read_target.json``, what was read in the first target pictures.
        twins: paths of pictures of streets like these.
        support: ``report_data/support.json``, whether pictures support what was moved.
    """

    folder: Path
    config: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any]
    attributes: tuple[AttributeSamples, ...]
    structure: Mapping[str, Any]
    reader: Mapping[str, Any]
    evidence: Mapping[str, Any]
    pictures: Mapping[str, tuple[Path, ...]]
    progress: Mapping[str, tuple[tuple[int, Path], ...]]
    read_target: Mapping[str, Any] = field(default_factory=dict)
    twins: tuple[Path, ...] = ()
    support: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def number(self, *keys: str) -> float | None:
        """A finite number of the summary by its path, or None."""
        value: Any = self.summary
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return as_number(value)

    def section(self, key: str) -> Mapping[str, Any]:
        """An object of the summary, empty when it is absent or null."""
        value = self.summary.get(key)
        return value if isinstance(value, Mapping) else {}


def as_number(value: object) -> float | None:
    """The value when it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def read_run(folder: Path) -> RunRecord:
    """Read a run's folder.

    Raises:
        ReportError: when it is no folder, or a file in it is damaged.
    """
    if not folder.is_dir():
        raise ReportError(f"{folder} is not a folder; give the folder of a run (--run).")
    data = folder / "report_data"
    known = ("config.yaml", "metrics.jsonl", "report_data")
    if not any((folder / name).exists() for name in known):
        raise ReportError(
            f"{folder} is not a run's folder (it has none of {', '.join(known)}); "
            "train one with metasim train --run."
        )
    pictures = data / "pictures"
    attributes = data / "attributes.json"
    return RunRecord(
        folder=folder,
        config=_read_mapping(folder / "config.yaml"),
        metrics=tuple(
            entry for entry in read_metrics(folder / "metrics.jsonl") if isinstance(entry, dict)
        ),
        summary=_read_mapping(data / "summary.json"),
        attributes=read_attributes(_read_mapping(attributes), str(attributes)),
        structure=_read_mapping(data / "structure.json"),
        reader=_read_mapping(data / "reader.json"),
        evidence=_read_mapping(data / "evidence.json"),
        support=_read_mapping(data / "support.json"),
        read_target=_read_mapping(data / "read_target.json"),
        pictures={kind: _pictures(pictures / kind) for kind in KINDS_OF_PICTURES},
        twins=_pictures(pictures / "twin"),
        progress=_progress(pictures / "progress"),
        steps={
            int(path.stem): _read_mapping(path)
            for path in sorted((data / "steps").glob("*.json"))
            if path.stem.isdecimal()
        },
    )


def _read_mapping(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ReportError(
            f"{path} cannot be read ({reason}); write it again by resuming the run."
        ) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ReportError(f"{path} is not a mapping; write it again by resuming the run.")
    return data


def _pictures(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted((p for pattern in _PICTURES for p in folder.glob(pattern)), key=_order))


def _order(path: Path) -> tuple[int, str]:
    match = re.match(r"\d+", path.stem)
    return (int(match[0]) if match else -1, path.name)


def _progress(folder: Path) -> dict[str, tuple[tuple[int, Path], ...]]:
    scenes: dict[str, list[tuple[int, Path]]] = {}
    for path in _pictures(folder):
        match = re.fullmatch(r"(\d+)_(\w+)", path.stem)
        if match:
            scenes.setdefault(match[2], []).append((int(match[1]), path))
    return {scene: tuple(sorted(steps)) for scene, steps in sorted(scenes.items())}
