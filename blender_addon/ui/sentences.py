"""Text that wraps: a panel's label is one line, and cuts off what does not fit."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

LETTER = 6.6  # mean width of a letter, pixels at scale 1


def wrapped(text: str, width: float, scale: float = 1.0) -> list[str]:
    """The lines of a text in a region of that width in pixels."""
    letters = max(int((width / scale - 52) / LETTER), 16)
    return textwrap.wrap(text, letters, break_long_words=True) or [""]


def draw_text(layout: Any, context: Any, text: str, icon: str = "NONE") -> None:
    """Labels, one below the other, that hold a text whole."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    lines = wrapped(text, context.region.width, bpy.context.preferences.system.ui_scale)
    for number, line in enumerate(lines):
        column.label(
            text=line, icon=icon if number == 0 else ("BLANK1" if icon != "NONE" else icon)
        )


def draw_error(layout: Any, context: Any, sentence: str) -> Any:
    """A box with an error's sentence.

    Returns:
        The box, for the button that mends it.
    """
    box = layout.box()
    draw_text(box, context, sentence, icon="ERROR")
    return box
