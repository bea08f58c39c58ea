"""Pictures: the comparison strip for the README and data URIs for the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

Picture = np.ndarray | Path | Image.Image

_GAP = 6
_LABEL = 96
_ROWS = ("target", "prior", "learned")


def comparison_strip(
    prior: Sequence[Picture],
    learned: Sequence[Picture],
    target: Sequence[Picture] = (),
    *,
    width: int = 1200,
    columns: int = 5,
) -> bytes:
    """A PNG with a labelled row each of target, prior and learned pictures.

    Prior and learned pictures of one column should come from the same seed and structure.

    Args:
        prior, learned, target: H x W x 3 uint8 arrays, paths or PIL images; sizes may differ.
        width: of the whole strip, pixels.
        columns: at most so many pictures a row.

    Raises:
        ValueError: when there is no picture at all, or one of them cannot be read.
    """
    rows = {
        name: [_open(picture) for picture in list(pictures)[:columns]]
        for name, pictures in zip(_ROWS, (target, prior, learned), strict=True)
        if len(pictures) > 0
    }
    if not rows:
        raise ValueError("A comparison strip needs at least one picture; none was given.")
    count = max(len(pictures) for pictures in rows.values())
    cell = (width - _LABEL - _GAP * (count + 1)) // count
    # Every cell has the shape of the rendered pictures, so that the columns line up.
    shaped = rows.get("learned") or rows.get("prior") or rows["target"]
    height = max(1, round(cell * shaped[0].height / shaped[0].width))
    strip = Image.new("RGB", (width, _GAP + len(rows) * (height + _GAP)), "white")
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(size=19)
    for i, (name, pictures) in enumerate(rows.items()):
        top = _GAP + i * (height + _GAP)
        draw.text((_LABEL - 8, top + height / 2), name, "#222222", font, anchor="rm")
        for j, picture in enumerate(pictures):
            strip.paste(_fitted(picture, cell, height), (_LABEL + _GAP + j * (cell + _GAP), top))
    return _png(strip)


def data_uri(source: Path | Image.Image, *, widest: int = 640) -> str | None:
    """A picture, or the one in a file, as a data URI, made smaller when wider than ``widest``
    pixels.

    None when the file holds no readable picture.
    """
    try:
        picture = _open(source)
    except ValueError:
        return None
    if isinstance(source, Path) and source.suffix.lower() == ".png" and picture.width <= widest:
        return _uri(source.read_bytes(), "png")
    if picture.width > widest:
        height = max(1, round(picture.height * widest / picture.width))
        picture = picture.resize((widest, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return _uri(buffer.getvalue(), "jpeg")


def _open(picture: Picture) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                f"A picture is H x W x 3 uint8, not {picture.dtype} {picture.shape}; convert it."
            )
        return Image.fromarray(picture)
    try:
        with Image.open(picture) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{picture} is not a readable picture ({error}); remove it.") from None


def _fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Scaled to cover width x height and cut at its middle."""
    scale = max(width / picture.width, height / picture.height)
    size = (
        max(width, round(picture.width * scale)),
        max(height, round(picture.height * scale)),
    )
    scaled = picture.resize(size, Image.Resampling.LANCZOS)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled.crop((left, top, left + width, top + height))


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
