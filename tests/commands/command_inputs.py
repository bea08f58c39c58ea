"""What tests of the commands share: a grammar, small pictures, what a folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = ROOT / "scenes/driving.yaml"


def street_picture(number: int) -> np.ndarray:
    """64 x 96 x 3 uint8: a pale sky, a grey road, a little noise."""
    source = np.random.default_rng(number)
    sky, road = np.array([0.6, 0.7, 0.9]), np.array([0.3, 0.3, 0.3])
    above = np.linspace(0, 1, 64)[:, None, None] < 0.5
    picture = np.where(above, sky, road) * source.uniform(0.6, 1) * np.ones((64, 96, 1))
    noisy = picture + source.normal(0, 0.03, picture.shape)
    return (noisy.clip(0, 1) * 255).astype(np.uint8)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
