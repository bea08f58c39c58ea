"""Pictures of every mode that cameras and editors write, and mutated ones."""

from __future__ import annotations

import io
import random
import zlib
from typing import Any

import numpy as np
from hostile_messages import flipped
from PIL import Image


def picture_bytes(form: str, source: random.Random) -> bytes:
    size = source.choice(((96, 64), (1, 1), (33, 17)))
    pixels = np.random.default_rng(source.getrandbits(32)).integers(0, 256, (*size[::-1], 3))
    picture = Image.fromarray(pixels.astype(np.uint8))
    mode = source.choice(("RGB", "L", "P", "1", "LA", "RGBA", "I;16", "CMYK"))
    if form == "PNG" and mode not in ("I;16", "CMYK"):
        picture = picture.convert(mode)
    elif form == "PNG" and mode == "I;16":
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif form == "JPEG" and mode in ("L", "CMYK"):
        picture = picture.convert(mode)
    options: dict[str, Any] = {}
    if source.random() < 0.3:
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = source.randrange(12), "x" * source.randrange(300)
        options["exif"] = exif
    if source.random() < 0.2:
        options["icc_profile"] = source.randbytes(200)
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def odd_png(data: bytes, source: random.Random) -> bytes:
    """A PNG whose blocks are changed but whose sums are right, so that decoders look into them."""
    head, blocks, at = data[:8], [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        blocks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    place = source.randrange(len(blocks))
    kind, body = blocks[place]
    if kind == b"IDAT" and source.random() < 0.5:
        body = zlib.compress(flipped(zlib.decompress(body), source))
    else:
        body = flipped(body, source)
    blocks[place] = (source.choice((kind, kind, kind, b"tRNS", b"PLTE", b"acTL")), body)
    if source.random() < 0.2:
        source.shuffle(blocks)
    return head + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")
        for kind, body in blocks
    )


def odd_picture(source: random.Random) -> bytes:
    form = source.choice(("PNG", "JPEG"))
    data = picture_bytes(form, source)
    if form == "PNG" and source.random() < 0.6:
        return odd_png(data, source)
    return flipped(data, source)


def good_picture(width: int = 96, height: int = 64) -> bytes:
    """A picture with which nothing is wrong."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


GOOD_PICTURE = good_picture()
