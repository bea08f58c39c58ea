"""Where the files that come with the project lie.

In a checkout, editable installations included, they lie at its top. A wheel carries copies beside
this module, because nothing of a checkout is there. Which of the two it is shows by itself.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

DISTRIBUTION = "metasim-blender"
_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[1]


def is_checkout() -> bool:
    """Whether this is a checkout's source and not what a wheel brought."""
    return not (_HERE / "scenes").is_dir()


def _folder(name: str) -> Path:
    return (_CHECKOUT if is_checkout() else _HERE) / name


SCENES = _folder("scenes")
"""Scene grammars (``*.yaml``)."""
ASSETS = _folder("assets")
CATALOGUE = ASSETS / "catalogue.json"
"""The driving world's models with their sizes."""
AERIAL_TEXTURES = ASSETS / "aerial"
READERS = ASSETS / "readers"
"""Readers that were trained before there is a target (``*.pt``)."""


def licence() -> bytes:
    """The licence's text.

    Raises:
        FileNotFoundError: in an installation that is not whole.
    """
    if is_checkout():
        return (_CHECKOUT / "LICENSE").read_bytes()
    text = metadata.distribution(DISTRIBUTION).read_text("licenses/LICENSE")
    if text is None:
        raise FileNotFoundError(f"The installation of {DISTRIBUTION} lacks its LICENSE.")
    return text.encode()
