"""What is counted in scenes: histograms over scene graphs, each value's share as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.statistics.histograms import Histogram, shares


@dataclass(frozen=True)
class Quantity:
    """What is counted in scenes.

    Attributes:
        name: for people.
        classes: the number of nodes of these classes together in a scene is counted.
        attribute: count instead, over all such nodes of all scenes, the values of this attribute.
        given: (class, attribute, value): only in scenes whose first node of that class has this
            value; None: in all.
    """

    name: str
    classes: tuple[str, ...]
    attribute: str | None = None
    given: tuple[str, str, str] | None = None

    def values(self, scene: SceneGraph) -> list[str]:
        """What the scene adds to the histogram."""
        if self.given is not None:
            class_name, attribute, value = self.given
            first = next(iter(scene.of_class(class_name)), None)
            if first is None or str(first.attributes[attribute]) != value:
                return []
        nodes = [node for name in self.classes for node in scene.of_class(name)]
        if self.attribute is None:
            return [str(len(nodes))]
        return [str(node.attributes[self.attribute]) for node in nodes]


def histogram(quantity: Quantity, scenes: Sequence[SceneGraph]) -> Histogram:
    """Shares by value, numbers in order and other values by name; empty when there is none."""
    return shares(value for scene in scenes for value in quantity.values(scene))
