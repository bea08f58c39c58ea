"""The Aerial2D world's textures: atlases and their catalogue (assets/aerial) as tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from torch import Tensor

from metasim_backend.rendering.renderer import RendererSetupError
from metasim_backend.shipped_files.folders import AERIAL_TEXTURES

SPLITS = ("train", "test")


@dataclass(frozen=True, eq=False)
class Bank:
    """The textures of one class in one split.

    Attributes:
        pixels: [T, 4, h, w] float32 in [0, 1]: red, green and blue multiplied by alpha, alpha.
        body: (length, width) in texels of the object inside the texture's border.
    """

    pixels: Tensor
    body: tuple[float, float]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a texture in texels."""
        return self.pixels.shape[3], self.pixels.shape[2]


def load_banks(split: str, folder: Path = AERIAL_TEXTURES) -> dict[str, Bank]:
    """The banks that the catalogue lists, by name.

    Args:
        split: "train" or "test"; they have no texture in common.
        folder: where ``catalogue.yaml`` and the atlases lie.

    Raises:
        RendererSetupError: an unknown split, or a catalogue or atlas that cannot be read.
    """
    if split not in SPLITS:
        raise RendererSetupError(f"There is no split {split!r} of textures; use train or test.")
    remedy = "install Meta-Sim anew, or in a checkout run assets/make_aerial_textures.py"
    try:
        listed = yaml.safe_load((folder / "catalogue.yaml").read_text(encoding="utf-8"))
        entries: Mapping[str, Mapping] = listed["textures"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise RendererSetupError(
            f"Cannot read the textures' catalogue {folder / 'catalogue.yaml'} ({error}); {remedy}."
        ) from None
    banks = {}
    for name, entry in entries.items():
        try:
            atlas = Image.open(folder / entry["file"]).convert("RGBA")
            banks[name] = _bank(np.asarray(atlas), entry, split)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise RendererSetupError(
                f"Cannot read the textures {name!r} in {folder} ({error}); {remedy}."
            ) from None
    return banks


def _bank(atlas: np.ndarray, entry: Mapping, split: str) -> Bank:
    width, height = entry["size"]
    first, end = entry["split"][split]
    each = atlas.reshape(entry["count"], height, width, 4)[first:end]
    if not len(each):
        raise ValueError(f"the split {split} is empty")
    straight = torch.from_numpy(each.astype(np.float32) / 255).permute(0, 3, 1, 2)
    alpha = straight[:, 3:]
    length, breadth = entry["body"]
    return Bank(torch.cat([straight[:, :3] * alpha, alpha], 1).contiguous(), (length, breadth))
