"""Text that wraps: a panel's label is one line, and cuts off what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy

POINTS = 11.0  # of Blender's own widgets, where its style tells nothing
# What a sidebar's line loses, pixels at scale 1: to tabs and edges, to an icon, to a box.
EDGES, ICON, BOX = 62.0, 26.0, 10.0


def sentence_of(error: Exception) -> str:
    """An error in words, without a system's number."""
    if isinstance(error, OSError) and error.strerror:
        about = f"{error.filename}: " if error.filename else ""
        return f"{about}{error.strerror[0].lower()}{error.strerror[1:]}; choose another path."
    return " ".join(str(error).split()) or type(error).__name__


def wrapped(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """The lines of a text, none wider than there is room; a word that is wider is cut.

    Args:
        width: pixels.
        measure: a text's width, pixels.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if measure(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        while measure(word) > width and len(word) > 1:
            fitting = next(
                (n for n in range(len(word) - 1, 1, -1) if measure(word[:n]) <= width), 1
            )
            lines[-1], word = word[:fitting], word[fitting:]
            lines.append("")
        lines[-1] = word
    return lines


def ui_scale() -> float:
    """How many pixels a unit of Blender's interface has; 1 without a window."""
    return bpy.context.preferences.system.ui_scale or 1.0


def text_width(text: str) -> float:
    """Width of a label's text as Blender draws it, pixels."""
    import blf

    styles = bpy.context.preferences.ui_styles
    points = float(styles[0].widget.points) if styles else POINTS
    if bpy.app.version >= (4, 0):
        blf.size(0, points * ui_scale())
    else:
        blf.size(0, points * ui_scale(), 72)
    return float(blf.dimensions(0, text)[0])


def draw_text(
    layout: Any, context: Any, text: str, icon: str = "NONE", lost: float = EDGES
) -> None:
    """Labels, one below the other, that hold a text whole.

    Args:
        icon: before the first line.
        lost: what a line has not of the region's width, pixels at scale 1; an icon's comes to it.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    lost += ICON if icon != "NONE" else 0.0
    lines = wrapped(text, context.region.width - lost * ui_scale(), text_width)
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
    draw_text(box, context, sentence, icon="ERROR", lost=EDGES + BOX)
    return box
