"""Cut the pictures of the add-on's page out of the window test's screenshots.

METASIM_SCREENSHOTS=shots python -m pytest tests/ui/test_window.py
METASIM_SCREENSHOTS=hour python -m pytest -m slow tests/ui/test_window_artist.py
python tests/ui/page_pictures.py shots hour docs
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image

EDGE, TABS = 8, 36  # pixels of a sidebar to the left and to the right of its panels
GAP = 6  # pixels between pictures side by side
PANELS = {"addon_node": "node", "addon_render": "render", "addon_train": "train",
          "addon_dataset": "dataset"}  # fmt: skip
FAILURES = ("failed_token", "failed_version", "failed_port")
VIEW = (0, 54, 1060, 854)  # pixels of the window: the 3D view with its sidebar
PICTURE = "picture_masks"


def main(window: Path, hour: Path, docs: Path) -> None:
    """Write all of them.

    Args:
        window, hour: the screenshots of the two tests.
        docs: where the page is.
    """
    sidebars = json.loads((window / "results.json").read_text())["sidebars"]
    for page, name in PANELS.items():
        panel(window, name, sidebars).save(docs / f"{page}.png", optimize=True)
    beside([panel(window, name, sidebars) for name in FAILURES]).save(
        docs / "addon_failures.png", optimize=True
    )
    screenshot(window, "scene").crop(VIEW).save(docs / "addon_scene.png", optimize=True)
    screenshot(hour, PICTURE).save(docs / "addon_labels.png", optimize=True)


def screenshot(folder: Path, name: str) -> Image.Image:
    """One of the window."""
    return Image.open(folder / f"{name}.png").convert("RGB")


def panel(folder: Path, name: str, sidebars: dict[str, list[int]]) -> Image.Image:
    """The first panel of a screenshot's sidebar."""
    picture = screenshot(folder, name)
    x, y, width, height = sidebars[name]
    top = picture.height - y - height
    side = picture.crop((x + EDGE, top, x + width - TABS, top + height))
    rows = [row for row in range(height) if is_panel(side.getpixel((5, row)))]
    last = next(row for row in rows if row + 1 not in rows)
    return side.crop((0, rows[0], side.width, last + 1))


def is_panel(pixel: tuple[int, int, int]) -> bool:
    """Whether a pixel has the grey that panels are drawn on."""
    return max(pixel) - min(pixel) <= 2 and 45 <= pixel[0] <= 66


def beside(pictures: list[Image.Image]) -> Image.Image:
    """Pictures in one row."""
    width = sum(one.width + GAP for one in pictures) - GAP
    row = Image.new("RGB", (width, max(one.height for one in pictures)), (40, 40, 40))
    left = 0
    for one in pictures:
        row.paste(one, (left, 0))
        left += one.width + GAP
    return row


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
