"""Named qualities of rendering: what draft, training and export pictures are made with.

A preset sets engine, lighting, samples, bounces and denoising, never size, seed, device or passes;
labels do not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType

from .frames import RenderSettings, RenderSettingsError


@dataclass(frozen=True)
class Preset:
    """One quality; the fields mean what they mean in :class:`RenderSettings`."""

    engine: str
    samples: int
    bounces: int
    denoise: bool
    lighting: str = "direct"


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        # One sample of Cycles beats Workbench: without a GPU that draws by software OpenGL, and
        # its labels need a render by Cycles all the same.
        "draft": Preset(engine="cycles", samples=1, bounces=0, denoise=False),
        "train": Preset(engine="cycles", samples=4, bounces=1, denoise=False),
        # Bounces and the denoiser are for --light traced.
        "export": Preset(engine="cycles", samples=9, bounces=2, denoise=True),
    }
)


def with_preset(settings: RenderSettings, name: str) -> RenderSettings:
    """The settings with a preset's quality.

    Raises:
        RenderSettingsError: when there is no such preset.
    """
    if name not in PRESETS:
        raise RenderSettingsError(
            f"There is no preset {name!r} of rendering; use one of {', '.join(PRESETS)}."
        )
    return replace(settings, **asdict(PRESETS[name]))
