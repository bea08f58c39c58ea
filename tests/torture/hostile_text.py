"""Text and JSON with words, lines and parts that nobody meant; standard library alone."""

from __future__ import annotations

import json
import random
import re
import struct
from typing import Any

from hostile_messages import ODD_TEXTS, flipped, mutated, text_of

ODD_WORDS = ("nan", "-inf", "1e400", "9" * 400, "9" * 5000, "1_0", "0x1", "", "é", "\0",
             "\ufeff", "-0", "1e-400", "'", "{{", "!!python/object:os.system", "&a", "*a", "<<",
             "~")  # fmt: skip


def odd_text(text: str, source: random.Random) -> str:
    """Text of which words or lines are others, in another order, or gone."""
    lines = text.split("\n")
    for _ in range(source.choice((1, 1, 2, 4))):
        at = source.randrange(len(lines))
        choice = source.random()
        if choice < 0.1:
            del lines[at]
        elif choice < 0.2:
            lines.insert(at, source.choice(lines))
        elif choice < 0.3:
            lines[at] = source.choice((" ", "  ", "\t")) + lines[at]
        else:
            words = re.findall(r"\s+|[^\s:,\[\]{}]+|.", lines[at]) or [""]
            place = source.randrange(len(words))
            others = re.findall(r"[^\s:,\[\]{}]+", source.choice(lines)) or ["x"]
            words[place] = source.choice(
                (source.choice(ODD_WORDS), source.choice(others), words[place] * 2)
            )
            lines[at] = "".join(words)
        lines = lines or [""]
    return "\n".join(lines)


def odd_bytes(text: str, source: random.Random) -> bytes:
    """A text file, mutated as text or as bytes, in one encoding or another."""
    if source.random() < 0.25:
        return flipped(text.encode(), source)
    changed = odd_text(text, source)
    encoding = source.choice(("utf-8",) * 6 + ("utf-16", "utf-8-sig", "latin-1"))
    return changed.encode(encoding, errors="replace")


def odd_json(value: Any, source: random.Random) -> bytes:
    """JSON, mutated in its structure, as text or as bytes."""
    for _ in range(source.choice((1, 1, 2, 5))):
        value = mutated(value, source)
    text = text_of(value)
    choice = source.random()
    if choice < 0.1:
        at = source.randrange(len(text))
        text = text[:at] + source.choice(ODD_TEXTS) + text[at:]
    return flipped(text.encode(), source) if choice > 0.9 else text.encode(errors="replace")


def odd_glb(data: bytes, source: random.Random) -> bytes:
    """A .glb whose JSON is changed but whose lengths are right, so that importers look into it."""
    (length,) = struct.unpack_from("<I", data, 12)
    content = json.loads(data[20 : 20 + length])
    for _ in range(source.choice((1, 1, 2, 4))):
        content = mutated(content, source)
    text = text_of(content).encode(errors="replace")
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    if source.random() < 0.2:
        rest = flipped(rest, source)
    head = struct.pack("<4sII", b"glTF", 2, 20 + len(text) + len(rest))
    return head + struct.pack("<II", len(text), 0x4E4F534A) + text + rest
