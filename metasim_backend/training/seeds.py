"""Seeds derived from the run's seed, so that every random draw can be repeated by itself."""

from __future__ import annotations

import hashlib

import torch


def derive_seed(seed: int, *labels: object) -> int:
    """A whole number below 2^31 that depends on the seed and the labels only.

    The same in every process; labels are joined by their text, so use numbers and names.
    """
    text = "/".join(str(part) for part in (seed, *labels))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1


def generator(seed: int, *labels: object) -> torch.Generator:
    """A CPU generator for one purpose, named by its labels."""
    return torch.Generator().manual_seed(derive_seed(seed, *labels))
