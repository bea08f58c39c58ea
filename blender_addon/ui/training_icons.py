"""The training's curves and picture as icons, and its attributes as bars, for the sidebar."""

import math
import time
from collections.abc import Mapping
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from .charts import CURVE, chart, fitted
from .progress import TrainingProgress

CHART_EVERY = 1.0  # seconds between two drawings of a curve
PICTURE = "picture"
MOST_BARS = 8


# Blender draws all windows anew whenever a script writes a property, so what changes with each
# event is only read: these properties get their values from the session.


def _bar_share(which: str):
    def share(bar) -> float:
        attributes = _session().training.attributes
        if bar.number >= len(attributes):
            return 0.0
        low, high = attributes[bar.number]["range"]
        mean = attributes[bar.number][which][0]
        return min(max(100.0 * (mean - low) / max(high - low, 1e-9), 0.0), 100.0)

    return share


def _busy_share(_) -> float:
    return 100.0 * min(_session().busy_share, 1.0)


def _training_share(_) -> float:
    training = _session().training
    return 100.0 * min(training.step / max(training.steps, 1), 1.0)


def _dataset_share(_) -> float:
    dataset = _session().dataset
    return 100.0 * min(dataset.done / max(dataset.count, 1), 1.0)


def _session():
    from .session import session

    return session()


class MetasimBar(bpy.types.PropertyGroup):
    """One attribute's mean before and after learning, as shares of its range."""

    number: bpy.props.IntProperty()
    prior: bpy.props.FloatProperty(
        name="Prior",
        description="The mean as the grammar draws it, in percent of the attribute's range",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
        get=_bar_share("prior"),
    )
    learned: bpy.props.FloatProperty(
        name="Learned",
        description="The mean as learned by now, in percent of the attribute's range",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
        get=_bar_share("learned"),
    )


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
        get=_busy_share,
    )
    training_progress: bpy.props.FloatProperty(
        name="Phase",
        description="How much of this phase is done",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
        get=_training_share,
    )
    dataset_progress: bpy.props.FloatProperty(
        name="Pictures",
        description="How much of the data set is written",
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
        get=_dataset_share,
    )


class TrainingIcons:
    """Pictures in the sidebar that follow a training."""

    def __init__(self) -> None:
        self._previews = bpy.utils.previews.new()
        self._drawn = 0.0
        self._sizes: dict[str, int] = {}
        self._pictures = 0
        self._run = ""

    def number(self, name: str) -> int:
        """The icon's number for ``template_icon``; 0 when there is nothing to show yet."""
        return self._previews[name].icon_id if name in self._previews else 0

    def follow(self, training: TrainingProgress) -> bool:
        """Draw again one thing that has changed; one at a time, so that Blender goes on between.

        Returns:
            Whether anything was drawn.
        """
        bars = bpy.context.window_manager.metasim.bars
        for number in range(len(bars), MOST_BARS):  # once, when a training is first heard of
            bars.add().number = number
        if training.run != self._run:
            self._run, self._pictures, self._sizes = training.run, 0, {}
            self._previews.clear()
        if training.picture is not None and training.pictures != self._pictures:
            self._pictures = training.pictures
            self._draw(PICTURE, fitted(training.picture))
            return True
        now = time.monotonic()
        if now - self._drawn >= CHART_EVERY or not training.active:
            for name, colour in CURVE.items():
                points = training.curve(name)
                if points and len(points) != self._sizes.get(name):
                    self._sizes[name] = len(points)
                    self._draw(name, chart(points, colour))
                    return True
            self._drawn = now
        return False

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


def bar_title(attribute: Mapping[str, Any]) -> str:
    """An attribute's name with its unit."""
    unit = attribute.get("unit") or ""
    return f"{attribute['name']} [{unit}]" if unit else str(attribute["name"])


def bar_text(attribute: Mapping[str, Any], which: str) -> str:
    """Mean and spread, ``which`` being "prior" or "learned"."""
    mean, spread = attribute[which]
    return f"{which} {plain(mean, 3)} ± {plain(spread, 2)}"


def plain(value: float, digits: int) -> str:
    """A number with so many significant digits, but all before the point, and no exponent."""
    size = abs(value)
    if size < 10.0**-digits:
        return "0"
    places = max(digits - 1 - math.floor(math.log10(size)), 0)
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
