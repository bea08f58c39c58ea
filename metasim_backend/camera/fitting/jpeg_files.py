"""The quality that JPEG files were compressed at, from their own tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from blender_addon.contract.camera_constants import LUMINANCE_TABLE


def quality_of_file(path: Path, size: tuple[int, int]) -> float:
    """libjpeg's quality whose luminance table is nearest to the file's; 0 for another kind of
    file, and for a picture of another size: made smaller, it has no blocks any more."""
    with Image.open(path) as picture:
        tables = getattr(picture, "quantization", None)
        if not tables or picture.size != size:
            return 0.0
    # Pillow gives tables in the order of rows.
    own = np.array(tables[0], np.float64)
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 / qualities, 200 - 2 * qualities)
    known = np.clip(np.floor((LUMINANCE_TABLE.ravel() * scales[:, None] + 50) / 100), 1, 255)
    return float(qualities[np.abs(np.log(known / own)).sum(1).argmin()])
