"""The training's curves and picture as icons, and its attributes as bars, for the sidebar."""

from __future__ import annotations

import time
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from .charts import CURVE, chart, fitted
from .progress import TrainingProgress

CHART_EVERY = 1.0  # seconds between two drawings of a curve
PICTURE = "picture"
MOST_BARS = 24


class MetasimBar(bpy.types.PropertyGroup):
    """One attribute's mean before and after learning, as shares of its range."""

    prior: bpy.props.FloatProperty(
        name="Prior",
        description="The mean as the grammar draws it, in percent of the attribute's range",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
    )
    learned: bpy.props.FloatProperty(
        name="Learned",
        description="The mean as learned by now, in percent of the attribute's range",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
    )
    prior_text: bpy.props.StringProperty()
    learned_text: bpy.props.StringProperty()


class MetasimWindow(bpy.types.PropertyGroup):
    """What the panels show and no file keeps."""

    bars: bpy.props.CollectionProperty(type=MetasimBar)
    progress: bpy.props.FloatProperty(
        name="Progress",
        description="How much is done",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
    )
    training_progress: bpy.props.FloatProperty(
        name="Phase",
        description="How much of this phase is done",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
    )


class TrainingIcons:
    """Pictures in the sidebar that follow a training."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()
        self._drawn = 0.0
        self._sizes: dict[str, int] = {}
        self._pictures = 0
        self._run = ""
        self._bars: object = None

    def number(self, name: str) -> int:
        """The icon's number for ``template_icon``; 0 when there is nothing to show yet."""
        return self._previews[name].icon_id if name in self._previews else 0

    def follow(self, training: TrainingProgress) -> None:
        """Draw again what has changed."""
        if training.run != self._run:
            self._run, self._pictures, self._sizes = training.run, 0, {}
            self._previews.clear()
        window = bpy.context.window_manager.metasim
        window.training_progress = 100.0 * min(training.step / max(training.steps, 1), 1.0)
        if training.picture is not None and training.pictures != self._pictures:
            self._pictures = training.pictures
            self._draw(PICTURE, fitted(training.picture))
        if training.attributes is not self._bars:
            self._bars = training.attributes
            _fill_bars(window.bars, training.attributes)
        now = time.monotonic()
        if now - self._drawn >= CHART_EVERY or not training.active:
            self._drawn = now
            for name, colour in CURVE.items():
                points = training.curve(name)
                if points and len(points) != self._sizes.get(name):
                    self._sizes[name] = len(points)
                    self._draw(name, chart(points, colour))

    def close(self) -> None:
        """Remove the icons from Blender."""
        bpy.utils.previews.remove(self._previews)

    def _draw(self, name: str, rgb: np.ndarray) -> None:
        height, width = rgb.shape[:2]
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., :3] = np.rint(rgb[::-1] * 255)
        icon = self._previews[name] if name in self._previews else self._previews.new(name)
        if tuple(icon.image_size) != (width, height):
            icon.image_size = (width, height)
        icon.image_pixels.foreach_set(pixels.reshape(-1, 4).view("<i4").ravel())


def _fill_bars(bars: Any, attributes: Any) -> None:
    bars.clear()
    for attribute in attributes[:MOST_BARS]:
        low, high = attribute["range"]
        bar = bars.add()
        unit = attribute.get("unit") or ""
        bar.name = f"{attribute['name']} [{unit}]" if unit else attribute["name"]
        for which in ("prior", "learned"):
            mean, spread = attribute[which]
            setattr(bar, which, 100.0 * (mean - low) / max(high - low, 1e-9))
            setattr(bar, f"{which}_text", f"{mean:.3g} ± {spread:.2g}")
