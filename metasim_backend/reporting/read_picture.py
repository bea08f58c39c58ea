"""A photograph with what was read in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from blender_addon.contract.frames import Box
from metasim_backend.reporting.contact_sheet import colour

LEAST_WIDTH = 960
HEADING = 34
_GROUND, _INK = (24, 26, 30), (235, 235, 235)


def with_readings(
    image: np.ndarray, heading: Sequence[str], objects: Sequence[tuple[Box, str]]
) -> Image.Image:
    """The picture, enlarged, with a box and a line for each object, and above it the scene's.

    Args:
        image: H x W x 3 uint8.
        heading: lines about the whole scene, of which there is room for two.
        objects: box as shares of the picture's sides, and words.
    """
    times = max(1, -(-LEAST_WIDTH // image.shape[1]))
    width, height = image.shape[1] * times, image.shape[0] * times
    sheet = Image.new("RGB", (width, height + HEADING), _GROUND)
    sheet.paste(Image.fromarray(image).resize((width, height)), (0, HEADING))
    draw = ImageDraw.Draw(sheet)
    for row, line in enumerate(heading):
        draw.text((6, 3 + 15 * row), line, fill=_INK)
    for number, (box, words) in enumerate(objects):
        x0, x1 = (box[i] * width for i in (0, 2))
        y0, y1 = (box[i] * height + HEADING for i in (1, 3))
        paint = colour(number)
        draw.rectangle((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), outline=paint, width=2)
        top = max(y0 - 13, HEADING)
        draw.rectangle((x0, top, x0 + draw.textlength(words) + 4, top + 12), fill=_GROUND)
        draw.text((x0 + 2, top), words, fill=paint)
    return sheet
