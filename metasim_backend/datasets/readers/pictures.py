"""Reading picture files, and fitting them (and boxes in them) to a wanted size."""

from __future__ import annotations

import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from metasim_backend.datasets.readers.pixel_modes import PixelModeError, as_rgb, check_scale

SUFFIXES = (".png", ".jpg", ".jpeg")
MOST_PIXELS = 64_000_000
"""Of a picture. A street seen by a camera of today has a third of it, and all are kept at once."""
# What Pillow raises on files that are damaged, beside its own errors.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError,
            AttributeError, OverflowError, struct.error, zlib.error)  # fmt: skip


class DatasetError(ValueError):
    """Data that cannot be used; one sentence naming the thing, the value and the remedy."""


@dataclass(frozen=True)
class Fit:
    """A centre crop to the wanted aspect, then a change of size.

    Attributes:
        crop: (x0, y0, x1, y1) in the original picture's pixels; fractions are allowed.
        width, height: of the result, in pixels.
    """

    crop: tuple[float, float, float, float]
    width: int
    height: int

    @classmethod
    def centred(cls, size: tuple[int, int], width: int | None, height: int | None) -> Fit:
        """The fit of a picture of ``size`` (width, height); None twice keeps it as it is."""
        w, h = size
        if width is None or height is None:
            return cls((0.0, 0.0, float(w), float(h)), w, h)
        scale = min(w / width, h / height)  # original pixels a resulting pixel
        x0, y0 = (w - scale * width) / 2, (h - scale * height) / 2
        return cls((x0, y0, x0 + scale * width, y0 + scale * height), width, height)

    def picture(self, picture: Image.Image) -> np.ndarray:
        """H x W x 3 uint8 of an RGB picture. Each pixel averages the area that it covers."""
        x0, y0, x1, y1 = self.crop
        if (x0, y0) == (0, 0) and picture.size == (self.width, self.height):
            return np.array(picture)
        shrinks = x1 - x0 >= self.width
        filter_ = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
        # Rounding must not put the crop a hair outside the picture, which PIL refuses.
        crop = (max(x0, 0.0), max(y0, 0.0), min(x1, picture.width), min(y1, picture.height))
        return np.array(picture.resize((self.width, self.height), filter_, box=crop))

    def boxes(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes [n, 4] of the original in the result's pixels, clipped to it.

        Returns:
            The boxes [n, 4] float32, and the share [n] of each one's area that lies inside.
        """
        boxes = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
        x0, y0, x1, y1 = self.crop
        scale = np.array([self.width / (x1 - x0), self.height / (y1 - y0)] * 2)
        moved = (boxes - np.array([x0, y0, x0, y0])) * scale
        limit = np.array([self.width, self.height] * 2, dtype=np.float64)
        clipped = np.clip(moved, 0.0, limit)
        whole = _areas(moved)
        inside = np.divide(_areas(clipped), whole, out=np.zeros_like(whole), where=whole > 0)
        return clipped.astype(np.float32), inside


def list_pictures(folder: Path, what: str = "folder") -> list[Path]:
    """The png and jpg files of a folder, by name; hidden ones and sub-folders are left out.

    Args:
        what: what the folder is, for the message, such as ``"target folder"``.

    Raises:
        DatasetError: no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"The {what} {folder} does not exist; give a folder of pictures.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not paths:
        raise DatasetError(
            f"The {what} {folder} holds no picture; put {', '.join(SUFFIXES)} files in it."
        )
    return paths


def read_picture(path: Path) -> Image.Image:
    """A picture file as 8-bit sRGB, turned the way its EXIF data say; see :func:`as_rgb`.

    Raises:
        DatasetError: when it is missing, too large or cannot be decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size, which is judged here, and of odd EXIF data
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise _too_large(path, f"{picture.width} x {picture.height}")
                check_scale(picture)
                return as_rgb(ImageOps.exif_transpose(picture))
    except DatasetError:
        raise
    except PixelModeError as error:
        raise DatasetError(f"The picture {path} cannot be used: {error}.") from None
    except FileNotFoundError:
        raise DatasetError(f"The picture {path} does not exist; put it there.") from None
    except Image.DecompressionBombError:
        raise _too_large(path, "too many") from None
    except _DAMAGED as error:
        raise DatasetError(
            f"The picture {path} cannot be read ({_cause(error)}); repair or remove it."
        ) from error


def _too_large(path: Path, pixels: str) -> DatasetError:
    return DatasetError(
        f"The picture {path} has {pixels} pixels, and at most {MOST_PIXELS // 10**6} million can "
        "be used; make it smaller."
    )


def _cause(error: Exception) -> str:
    """Why a picture cannot be decoded, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "its first bytes are those of no picture"
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    return words[:120] or type(error).__name__


def check_size(width: int | None, height: int | None) -> None:
    """Raises DatasetError unless both are whole numbers from 1 on, or both None."""
    if width is None and height is None:
        return
    for name, value in (("width", width), ("height", height)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise DatasetError(f"The pictures' {name} {value!r} is not a whole number from 1 on.")


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]).clip(0) * (boxes[:, 3] - boxes[:, 1]).clip(0)
