"""Pictures of every mode and depth that cameras write, as 8-bit sRGB.

Pillow's own ``convert("RGB")`` clips 16-bit greys to white, shows what transparency hides, and
takes the numbers of any colour profile for sRGB.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms

SIXTEEN_BITS = 65_535
GROUND = (255, 255, 255)
"""What shows through transparent pixels, as in most viewers."""


class PixelModeError(ValueError):
    """Pixels whose scale is not known; says what they are and what to do."""


def check_scale(picture: Image.Image) -> None:
    """Refuse a file of 32-bit whole numbers, also where all of them are small.

    Raises:
        PixelModeError: no file says which of them is white.
    """
    # Pillow shows 16-bit PNG and PNM files in this mode, too.
    if picture.mode == "I" and picture.format not in ("PNG", "PPM", None):
        raise PixelModeError(
            "its pixels are 32-bit numbers, of which nobody knows what white is; save it with 8 or "
            "16 bits"
        )


def as_rgb(picture: Image.Image) -> Image.Image:
    """A picture as 8-bit RGB in sRGB.

    16-bit greys are scaled by their full depth. Transparent pixels show white. Colours are
    converted from the picture's ICC profile, where it has a valid one.

    Raises:
        PixelModeError: floating-point or 32-bit numbers, of which no file says what white is.
    """
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):
        picture = _scaled(picture)
    elif picture.mode == "F":
        raise PixelModeError(
            "its pixels are floating-point numbers, of which nobody knows what white is; save it "
            "with 8 or 16 bits"
        )
    elif picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        ground = Image.new("RGBA", seen.size, (*GROUND, 255))
        picture = Image.alpha_composite(ground, seen).convert("RGB")
    elif picture.mode in ("P", "1", "YCbCr", "LAB", "HSV"):
        picture = picture.convert("RGB")
    return _in_srgb(picture, profile).convert("RGB")


def _scaled(picture: Image.Image) -> Image.Image:
    """Whole numbers of 16 bits, also where Pillow holds them in 32."""
    values = np.asarray(picture)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > SIXTEEN_BITS:
        raise PixelModeError(
            f"its pixels are 32-bit numbers from {low} to {high}, of which nobody knows what white "
            "is; save it with 8 or 16 bits"
        )
    scaled = np.empty(values.shape, np.uint8)
    for into, row in zip(scaled, values, strict=True):  # large pictures need memory enough
        into[:] = (row.astype(np.int32) * 255 + SIXTEEN_BITS // 2) // SIXTEEN_BITS
    return Image.fromarray(scaled)


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile:
        return picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a profile of another kind of pixels, or damaged: viewers ignore it too
    return picture if converted is None else converted
