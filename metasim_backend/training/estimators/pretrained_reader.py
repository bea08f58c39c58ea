"""A reader, with a surrogate of it, that was trained before there is a target.

What the first round of matching teaches does not depend on the target. So it is taught once for a
grammar and kept in a file, on more renders than a single run would make. A run that begins with the
file renders a few hundred scenes in its first round.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blender_addon.contract.street_classes import LABELLED
from metasim_backend.features.reader.targets import OBJECT_NUMBERS, reader_names
from metasim_backend.grammar import Grammar
from metasim_backend.grammar.encoding import Encoding
from metasim_backend.run_files.atomic_files import write_tensors
from metasim_backend.settings import SettingsError, TrainSettings
from metasim_backend.shipped_files.folders import READERS

FORMAT = 1
AUTO, NONE = "auto", "none"
ANY = "any"
"""In place of a camera model: a reader that has seen pictures of many cameras."""
HALVED = 1000
"""Numbers in a tensor, from which it is written with half precision."""
_OTHER = {
    "format": "another version of Meta-Sim",
    "network": "another surrogate.network",
    "size": "pictures of another size",
    "camera": "another camera model (camera_model, surrogate.cameras)",
    "light": "another light (rendering.engine, rendering.lighting)",
    "classes": "a grammar with other classes",
    "slots": "a grammar with other attributes",
    "numbers": "other readings",
    "labelled": "other labelled classes",
}


@dataclass(frozen=True, eq=False)
class PretrainedReader:
    """What a file holds.

    Attributes:
        fits: what a run must have in common with it; see :func:`fingerprint`.
        reader, surrogate: the networks' states.
        made: how it was made and how well it reads, for people.
    """

    fits: Mapping[str, Any]
    reader: Mapping[str, Tensor]
    surrogate: Mapping[str, Tensor]
    made: Mapping[str, Any]

    def save(self, path: Path) -> None:
        """Write it; large tensors with half precision."""
        content = {
            "fits": json.dumps(self.fits),
            "reader": {name: _halved(value) for name, value in self.reader.items()},
            "surrogate": {name: _halved(value) for name, value in self.surrogate.items()},
            "made": json.dumps(self.made),
        }
        write_tensors(path, content)

    @classmethod
    def load(cls, path: Path) -> PretrainedReader:
        """Read a file.

        Raises:
            SettingsError: when it is not one, or cannot be read.
        """
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            return cls(
                json.loads(content["fits"]),
                {name: _whole(value) for name, value in content["reader"].items()},
                {name: _whole(value) for name, value in content["surrogate"].items()},
                json.loads(content["made"]),
            )
        except FileNotFoundError:
            raise SettingsError(
                f"Setting 'surrogate.pretrained' is {str(path)!r}, which is no file; give one of "
                f"metasim reader, {AUTO} or {NONE}."
            ) from None
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError, LookupError, ValueError):
            raise SettingsError(
                f"{path} cannot be read as a reader's file; write it anew with metasim reader."
            ) from None

    @property
    def digest(self) -> str:
        """Of the networks alone: equal for files that read alike."""
        digest = hashlib.sha256()
        for state in (self.reader, self.surrogate):
            for name in sorted(state):
                digest.update(name.encode())
                digest.update(_halved(state[name]).contiguous().numpy().tobytes())
        return digest.hexdigest()

    def differs_in(self, fits: Mapping[str, Any]) -> str | None:
        """What it was made for that a run is not; None where it fits."""
        for name, other in _OTHER.items():
            if self.fits.get(name) != fits[name]:
                return other
        return None


def fingerprint(settings: TrainSettings, encoding: Encoding) -> dict[str, Any]:
    """What a reader and a surrogate depend on beside what they were trained on.

    Priors and rules of the grammar are not among it: scenes of the widened prior cover them.
    """
    slots = []
    for slot in encoding.slots:
        attribute = slot.attribute
        numeric = slot.kind != "categorical"
        slots.append(
            [slot.name, slot.kind, list(attribute.bounds if numeric else attribute.values)]
        )
    rendering = settings.rendering
    fits = {
        "format": FORMAT,
        "network": settings.surrogate.network,
        "size": [rendering.width, rendering.height],
        "camera": settings.camera_model.to_dict() if settings.surrogate.cameras == "own" else ANY,
        "light": [rendering.engine, rendering.lighting],
        "classes": [spec.name for spec in encoding.grammar.classes],
        "slots": slots,
        "numbers": [*reader_names(encoding, LABELLED).scene, *OBJECT_NUMBERS],
        "labelled": list(LABELLED),
    }
    return json.loads(json.dumps(fits))  # as it comes back from a file


def chosen_file(settings: TrainSettings, encoding: Encoding) -> Path | None:
    """The file that a run begins with: the one that was asked for, or a packaged one that fits.

    Raises:
        SettingsError: the file that was asked for does not fit, or cannot be read.
    """
    choice = settings.surrogate.pretrained
    if choice == NONE:
        return None
    fits = fingerprint(settings, encoding)
    if choice != AUTO:
        other = PretrainedReader.load(Path(choice)).differs_in(fits)
        if other is not None:
            raise SettingsError(
                f"Setting 'surrogate.pretrained' is {choice!r}, which was made for {other}; set "
                f"{AUTO} or {NONE}, or make one with metasim reader."
            )
        return Path(choice)
    for path in sorted(READERS.glob("*.pt")):
        if PretrainedReader.load(path).differs_in(fits) is None:
            return path
    return None


def reader_digest(settings: TrainSettings, grammar: Grammar) -> str | None:
    """Of the networks that a run begins with; None where it begins with none."""
    if settings.match.estimator != "surrogate":
        return None
    path = chosen_file(settings, Encoding(grammar))
    return None if path is None else PretrainedReader.load(path).digest


def _halved(value: Tensor) -> Tensor:
    large = value.dtype == torch.float32 and value.numel() >= HALVED
    return value.half() if large else value.clone()


def _whole(value: Tensor) -> Tensor:
    return value.float() if value.dtype == torch.float16 else value
