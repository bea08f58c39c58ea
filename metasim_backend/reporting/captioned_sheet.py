"""Pictures in rows on one sheet, each with a line of words beneath it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

GAP, LINE = 6, 16
_PAPER, _INK = (255, 255, 255), (29, 33, 39)


def captioned_sheet(rows: Sequence[Sequence[tuple[np.ndarray, str]]]) -> Image.Image:
    """The sheet.

    Args:
        rows: pictures, H x W x 3 uint8 and all of one size, with their words; at least one.
    """
    height, width = rows[0][0][0].shape[:2]
    columns = max(len(row) for row in rows)
    step_x, step_y = width + GAP, height + LINE + GAP
    sheet = Image.new("RGB", (columns * step_x + GAP, len(rows) * step_y + GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        for place, (image, words) in enumerate(row):
            x, y = GAP + place * step_x, GAP + number * step_y
            sheet.paste(Image.fromarray(image), (x, y))
            draw.text((x, y + height + 1), words, fill=_INK)
    return sheet
