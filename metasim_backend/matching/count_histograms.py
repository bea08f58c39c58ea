"""How scenes differ in structure: histograms over scene graphs, and how far two of them lie apart.

A histogram gives each value, as text, its share. Two are compared by total variation, half the sum
of the differences of their shares: 0 for equal ones, 1 for ones without a common value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.matching.mmd import MatchingError

Histogram = dict[str, float]


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
    counts = Counter(value for scene in scenes for value in quantity.values(scene))
    total = sum(counts.values())
    ordered = sorted(counts, key=lambda v: (0, int(v), v) if v.isdigit() else (1, 0, v))
    return {value: counts[value] / total for value in ordered}


def total_variation(first: Mapping[str, float], second: Mapping[str, float]) -> float:
    """½ Σ |p - q|.

    Raises:
        MatchingError: when one of them is empty.
    """
    if not first or not second:
        raise MatchingError("An empty histogram has no distance; no scene had such a value.")
    names = {**first, **second}
    return sum(abs(first.get(name, 0.0) - second.get(name, 0.0)) for name in names) / 2
