"""An animated picture of scenes while the generator learns, the target's beneath them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from metasim_backend.reporting.run_record import RunRecord
from metasim_backend.run_files.atomic_files import write_atomically

MOST_SCENES = 10
_WIDEST = 1100  # of an animation whose scale is not given, pixels
_GAP = 4
_LABEL = 76
_CAPTION = 26
_PAPER, _INK, _SOFT = "#ffffff", "#1d2127", "#667080"


@dataclass(frozen=True)
class Frames:
    """A film of some scenes.

    Attributes:
        captions: of each frame, such as "step 50".
        rows: for each frame a picture a scene, always of the same scenes.
        target: pictures of the target, shown beneath all the while; may be empty.
    """

    captions: tuple[str, ...]
    rows: tuple[tuple[Path, ...], ...]
    target: tuple[Path, ...] = ()


def frames_of(record: RunRecord) -> Frames | None:
    """The scenes that a run followed, from prior over all steps to learned; None for no step."""
    followed = list(record.progress.items())[:MOST_SCENES]
    prior, learned = record.pictures["prior"], record.pictures["learned"]
    count = min(len(followed), *(len(kind) for kind in (prior, learned) if kind), MOST_SCENES)
    by_scene = [dict(steps) for _, steps in followed[:count]]
    steps = sorted(set.intersection(*(set(scene) for scene in by_scene))) if by_scene else []
    if not steps:
        return None
    captions = [f"step {step}" for step in steps]
    rows = [tuple(scene[step] for scene in by_scene) for step in steps]
    if prior:
        captions.insert(0, "prior")
        rows.insert(0, prior[:count])
    if learned:
        captions.append("learned")
        rows.append(learned[:count])
    return Frames(tuple(captions), tuple(rows), record.pictures["target"][:count])


def write_animation(
    path: Path,
    frames: Frames,
    *,
    scale: int | None = None,
    frames_a_second: float = 10.0,
    hold: float = 2.0,
) -> Path:
    """Write a film that repeats for ever as GIF, or as WebP by the path's suffix.

    Args:
        scale: magnification of each picture to hard-edged squares; None: up to 4, so that the row
            stays about a screen wide.
        hold: seconds that the last frame stays.

    Raises:
        ValueError: when there is no frame, the rows differ in their scenes, a picture cannot be
            read, or the suffix is neither ``.gif`` nor ``.webp``.
    """
    if not frames.rows or len({len(row) for row in frames.rows}) != 1 or not frames.rows[0]:
        raise ValueError("An animation needs frames of the same scenes each; give at least one.")
    sheets = _painted(frames, scale)
    return write_frames(path, sheets, [1 / frames_a_second] * (len(sheets) - 1) + [hold])


def write_frames(path: Path, sheets: Sequence[Image.Image], seconds: Sequence[float]) -> Path:
    """Write sheets of one size as a film that repeats for ever.

    Args:
        seconds: that each sheet stays.

    Raises:
        ValueError: when the path's suffix is neither ``.gif`` nor ``.webp``.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("gif", "webp"):
        raise ValueError(f"An animation's file ends in .gif or .webp, not {path.name}; rename it.")
    painted = list(sheets)
    options: dict = {"save_all": True, "duration": [round(1000 * stay) for stay in seconds]}
    if kind == "webp":
        options |= {"lossless": True, "loop": 0}
    else:
        options |= {"loop": 0, "optimize": True}
        palette = _palette(painted)
        painted = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in painted]
    options["append_images"] = painted[1:]
    write_atomically(path, lambda file: painted[0].save(file, format=kind.upper(), **options))
    return path


def _painted(frames: Frames, scale: int | None) -> list[Image.Image]:
    """Caption, row of scenes and row of the target on one sheet, a sheet a frame."""
    rows = [[_opened(path) for path in row] for row in frames.rows]
    target = [_opened(path) for path in frames.target]
    width, height = rows[0][0].size
    count = len(rows[0])
    if scale is None:
        scale = max(1, min(4, (_WIDEST - _LABEL) // (count * (width + _GAP))))
    cell = (width * scale, height * scale)
    lines = 2 if target else 1
    size = (_LABEL + count * (cell[0] + _GAP), _CAPTION + lines * (cell[1] + _GAP))
    base = Image.new("RGB", size, _PAPER)
    font = ImageFont.load_default(size=15)
    draw = ImageDraw.Draw(base)
    for line, name in enumerate(("learning", "target")[:lines]):
        middle = _CAPTION + line * (cell[1] + _GAP) + cell[1] / 2
        draw.text((_LABEL - 8, middle), name, _SOFT, font, anchor="rm")
    _lay(base, target, cell, _CAPTION + cell[1] + _GAP)
    sheets = []
    for caption, row in zip(frames.captions, rows, strict=True):
        sheet = base.copy()
        ImageDraw.Draw(sheet).text((_LABEL, _CAPTION / 2), caption, _INK, font, anchor="lm")
        _lay(sheet, row, cell, _CAPTION)
        sheets.append(sheet)
    return sheets


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise ValueError(f"{path} is not a readable picture ({error}); remove it.") from None


def _lay(sheet: Image.Image, row: Sequence[Image.Image], cell: tuple[int, int], top: int) -> None:
    for i, picture in enumerate(row):
        magnified = picture.resize(cell, Image.Resampling.NEAREST)
        sheet.paste(magnified, (_LABEL + i * (cell[0] + _GAP), top))


def _palette(sheets: Sequence[Image.Image]) -> Image.Image:
    """One palette for all frames, so that what stands still does not flicker."""
    some = sheets[:: max(1, len(sheets) // 6)]
    width, height = some[0].size
    board = Image.new("RGB", (width, height * len(some)))
    for i, sheet in enumerate(some):
        board.paste(sheet, (0, i * height))
    return board.quantize(128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
