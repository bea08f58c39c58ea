"""Text fits its panel, and errors are said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("bpy", reason="needs Blender's bpy module")

from blender_addon.ui.sentences import sentence_of, wrapped  # noqa: E402

SENTENCE = (
    "The Python '/home/somebody/with/a/long/name/.venv/bin/python' has no metasim; choose another "
    "in the add-on's preferences."
)


@pytest.mark.parametrize("room", [60.0, 170.0, 400.0])
def test_no_line_is_wider_than_there_is_room_and_nothing_is_lost(room: float):
    def measure(text: str) -> float:
        return sum(11.0 if letter in "mwMW" else 6.0 for letter in text)

    lines = wrapped(SENTENCE, room, measure)
    assert all(measure(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == SENTENCE.replace(" ", "")
    assert len(lines) <= 2.5 * measure(SENTENCE) / room + 2


def test_a_system_s_error_is_said_without_its_number():
    with pytest.raises(OSError) as raised:
        Path("/nowhere/at/all").read_bytes()
    said = sentence_of(raised.value)
    assert said == "/nowhere/at/all: no such file or directory; choose another path."
