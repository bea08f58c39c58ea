"""Conditions that a sampled scene must meet (the grammar file's ``require``)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from blender_addon.contract.scene_graph import Node, SceneGraph
from metasim_backend.grammar.footprints import collisions


@dataclass(frozen=True)
class NoOverlap:
    """Siblings of these classes must not overlap, seen from above in their parent's frame.

    Each node is a rectangle about (along, across), turned by its yaw when it has one; the test is
    made on the upright rectangles round them, so it errs on the safe side.

    Attributes:
        classes: the classes that must keep clear of each other.
        length: metres along, or the name of the attribute that holds them.
        width: metres across, likewise; None: only the lengths count.
        place: where the condition stands, for messages.
    """

    classes: tuple[str, ...]
    length: float | str
    width: float | str | None = None
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"no_overlap of {', '.join(self.classes)}{self.place and f' ({self.place})'}"

    def clear(self, node: Node, siblings: Iterable[Node]) -> bool:
        """Whether the node keeps clear of every one of these siblings."""
        if node.class_name not in self.classes:
            return True
        along, across, half_length, half_width = self._rectangle(node)
        for other in siblings:
            if other.class_name not in self.classes:
                continue
            a, c, half_l, half_w = self._rectangle(other)
            if abs(along - a) < half_length + half_l and abs(across - c) < half_width + half_w:
                return False
        return True

    def _rectangle(self, node: Node) -> tuple[float, float, float, float]:
        """(along, across, half length, half width); the width is infinite when it is None."""
        values = node.attributes
        length = float(values[self.length] if isinstance(self.length, str) else self.length)
        along = float(values["along"])
        if self.width is None:
            return along, 0.0, length / 2, math.inf
        width = float(values[self.width] if isinstance(self.width, str) else self.width)
        yaw = math.radians(float(values.get("yaw", 0.0)))
        cosine, sine = abs(math.cos(yaw)), abs(math.sin(yaw))
        return (
            along,
            float(values["across"]),
            (length * cosine + width * sine) / 2,
            (length * sine + width * cosine) / 2,
        )

    def to_dict(self) -> dict:
        data: dict = {"no_overlap": list(self.classes), "length": self.length}
        return data if self.width is None else {**data, "width": self.width}


@dataclass(frozen=True)
class NoCollision:
    """Things of these classes must not stand in each other, whatever they belong to.

    Only for streets: the footprints are those of :mod:`metasim_backend.grammar.footprints`.

    Attributes:
        classes: the classes that must keep clear of each other.
        gap: least distance, metres.
        place: where the condition stands, for messages.
    """

    classes: tuple[str, ...]
    gap: float = 0.0
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"no_collision of {', '.join(self.classes)}{self.place and f' ({self.place})'}"

    def to_dict(self) -> dict:
        return {"no_collision": list(self.classes), "gap": self.gap}


@dataclass(frozen=True)
class CountBetween:
    """The scene has from ``least`` to ``most`` nodes of these classes together."""

    classes: tuple[str, ...]
    least: int
    most: int
    place: str = field(default="", compare=False)

    def __str__(self) -> str:
        return (
            f"count of {', '.join(self.classes)} between {self.least} and {self.most}"
            f"{self.place and f' ({self.place})'}"
        )

    def met(self, class_names: Iterable[str]) -> bool:
        """Whether nodes of these classes, one name a node, meet the condition."""
        counts = Counter(class_names)
        return self.least <= sum(counts[name] for name in self.classes) <= self.most

    def to_dict(self) -> dict:
        return {"count": list(self.classes), "between": [self.least, self.most]}


Condition = NoOverlap | NoCollision | CountBetween


def failed_conditions(conditions: Iterable[Condition], scene: SceneGraph) -> tuple[Condition, ...]:
    """The conditions that a finished scene does not meet."""
    return tuple(condition for condition in conditions if not _met(condition, scene))


def _met(condition: Condition, scene: SceneGraph) -> bool:
    if isinstance(condition, CountBetween):
        return condition.met(node.class_name for node in scene.nodes)
    if isinstance(condition, NoCollision):
        return not collisions(scene, condition.classes)
    families = (scene.children(node.id) for node in scene.nodes)
    return all(
        condition.clear(node, siblings[:i])
        for siblings in families
        for i, node in enumerate(siblings)
    )
