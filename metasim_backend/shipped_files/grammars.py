"""The scene grammars that come with the project, by name."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path

from metasim_backend.shipped_files.folders import SCENES

SUFFIX = ".yaml"


def shipped_grammars(folder: Path = SCENES) -> Mapping[str, Path]:
    """Their files by name, in alphabetical order."""
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def grammar_file(given: str | os.PathLike[str]) -> Path:
    """The file that is meant: one that is there, or else the shipped grammar of that name.

    A name may end in ``.yaml``. What is neither comes back as it is, for whoever reads it to say.
    """
    path = Path(given)
    if os.path.isfile(path) or path.name != str(path):
        return path
    return shipped_grammars().get(path.name.removesuffix(SUFFIX), path)


def nearest_grammar(name: str) -> str:
    """The shipped grammar that someone may have meant who named one that is none."""
    return next(iter(difflib.get_close_matches(name, shipped_grammars(), n=1)), "driving")


def title(path: Path) -> str:
    """The first sentence of the comment at a grammar file's head, or its name."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    sentence = re.match(r".*?[.:?](?=\s|$)", " ".join(lines))
    return sentence[0].rstrip(".:") if sentence else path.stem
