"""Write ``catalogue.json``: every shipped model of the driving world, its size and its faces.

The shapes themselves are built by ``blender_addon/world``; sizes are metres as made, before a
node's attributes scale them (people, trees and poles are one metre tall, buildings one metre
wide and tall, barriers one section long).

Usage: python assets/make_catalogue.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
LICENCE = "GPL-3.0-or-later"
_PARTS = {"building": (2, 3), "barrier": (1,)}  # storeys and bays; sections


def entries() -> list[dict]:
    """One entry a model, in the order of the classes."""
    from blender_addon.world.models import MODELS, shape_of

    found = []
    for kind, models in MODELS.items():
        for model in models:
            shape = shape_of((kind, model, *_PARTS.get(kind, ())))
            length, width, height = (round(float(v), 3) for v in np.ptp(shape.vertices, axis=0))
            found.append(
                {
                    "name": model,
                    "class": kind,
                    "length": length,
                    "width": width,
                    "height": height,
                    "faces": len(shape.faces),
                    "licence": LICENCE,
                }
            )
    return found


def text() -> str:
    """The file's content: a line an entry."""
    lines = ",\n".join("  " + json.dumps(entry) for entry in entries())
    return '{"assets": [\n' + lines + "\n]}\n"


def main() -> None:
    path = ROOT / "assets" / "catalogue.json"
    path.write_text(text(), "utf-8")
    print(f"Wrote {path.relative_to(ROOT)}.")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
