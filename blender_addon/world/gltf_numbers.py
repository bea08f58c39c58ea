"""How many numbers a glTF file announces; its importer makes room for all before it looks for them.

Of the file's JSON alone (glTF 2.0, 3.6.2 "Accessors"): a few bytes can announce any number.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

_GLB_HEAD = struct.Struct("<4sIIII")
_JSON = 0x4E4F534A


def most_announced(path: Path) -> float:
    """The largest number of elements that a .gltf or .glb file announces in one accessor; 0 where
    it cannot be read, which its importer will say."""
    try:
        data = path.read_bytes()
        if data[:4] == b"glTF":
            _, _, _, length, kind = _GLB_HEAD.unpack_from(data)
            data = data[_GLB_HEAD.size : _GLB_HEAD.size + length] if kind == _JSON else b""
        accessors = json.loads(data).get("accessors", [])
        return max((float(one.get("count", 0)) for one in accessors), default=0.0)
    except OverflowError:  # a whole number that no float holds
        return float("inf")
    except (OSError, ValueError, AttributeError, TypeError, struct.error, RecursionError):
        return 0.0
