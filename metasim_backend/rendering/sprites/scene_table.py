"""Many scene graphs as a table a class, so that a whole batch is placed by a few operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from blender_addon.contract.scene_graph import SceneGraph
from metasim_backend.rendering.renderer import RenderingInputError


@dataclass(frozen=True, eq=False)
class ClassTable:
    """All nodes of one class in a batch of scenes, n rows, scene by scene in node order.

    Attributes:
        scene: [n] long, which scene of the batch.
        node: [n] long, the node's place in its scene's node order.
        parent: [n] long, its parent's row in the parent class's table; -1 for the root.
        numbers: each numeric attribute as [n] float32, in the file's units; may carry a gradient.
        names: each categorical attribute as n strings.
        parent_class: the class of all their parents; None for the root's.
    """

    scene: Tensor
    node: Tensor
    parent: Tensor
    numbers: dict[str, Tensor]
    names: dict[str, list[str]]
    parent_class: str | None = None

    def __len__(self) -> int:
        return len(self.scene)


@dataclass(frozen=True, eq=False)
class SceneTable:
    """A batch of scenes of one grammar.

    Attributes:
        scenes: B, how many.
        classes: the table of each class that occurs, by name.
    """

    scenes: int
    classes: dict[str, ClassTable]

    @staticmethod
    def of(scenes: Sequence[SceneGraph], device: torch.device | str = "cpu") -> SceneTable:
        """The table of some scenes, in which a class has the same attributes everywhere.

        Raises:
            RenderingInputError: when nodes of one class stand below different classes, which no
                2-D world has.
        """
        columns: dict[str, _Columns] = {}
        for number, scene in enumerate(scenes):
            rows: dict[str, int] = {}
            for place, node in enumerate(scene.nodes):
                above = None if node.parent is None else scene.node(node.parent).class_name
                table = columns.get(node.class_name)
                if table is None:
                    table = columns[node.class_name] = _Columns(above)
                if table.parent_class != above:
                    raise RenderingInputError(
                        f"Node {node.id!r} stands below {above!r} and others of its class below "
                        f"{table.parent_class!r}; a 2-D world needs one parent class a class."
                    )
                rows[node.id] = len(table.scene)
                table.scene.append(number)
                table.node.append(place)
                table.parent.append(-1 if node.parent is None else rows[node.parent])
                table.attributes.append(dict(node.attributes))
        return SceneTable(
            len(scenes), {name: table.whole(device) for name, table in columns.items()}
        )

    def with_numbers(self, changes: Mapping[tuple[str, str], Tensor]) -> SceneTable:
        """The same scenes with other numbers, given as [n] by (class, attribute)."""
        classes = dict(self.classes)
        for (class_name, attribute), values in changes.items():
            table = classes[class_name]
            classes[class_name] = replace(table, numbers={**table.numbers, attribute: values})
        return SceneTable(self.scenes, classes)

    def take(self, chosen: Tensor) -> SceneTable:
        """A batch of the scenes with these numbers, [K] long; a scene may be taken many times."""
        starts: dict[str, Tensor] = {}
        counts: dict[str, Tensor] = {}
        for name, table in self.classes.items():
            counts[name] = torch.bincount(table.scene, minlength=self.scenes)
            starts[name] = counts[name].cumsum(0) - counts[name]
        rows, scene = {}, {}
        for name in self.classes:
            count = counts[name][chosen]
            scene[name] = torch.repeat_interleave(count)
            first = count.cumsum(0) - count
            within = torch.arange(len(scene[name]), device=chosen.device) - first[scene[name]]
            rows[name] = starts[name][chosen][scene[name]] + within
        # A parent's new row: its place among its scene's nodes of that class stays.
        shift = {
            name: (counts[name][chosen].cumsum(0) - counts[name][chosen]) - starts[name][chosen]
            for name in self.classes
        }
        classes = {}
        for name, table in self.classes.items():
            own = rows[name]
            parent = table.parent[own]
            if table.parent_class is not None:
                parent = parent + shift[table.parent_class][scene[name]]
            classes[name] = ClassTable(
                scene[name],
                table.node[own],
                parent,
                {attribute: values[own] for attribute, values in table.numbers.items()},
                {
                    attribute: [values[i] for i in own.tolist()]
                    for attribute, values in table.names.items()
                },
                table.parent_class,
            )
        return SceneTable(len(chosen), classes)


class _Columns:
    """A class's table while it is being filled."""

    def __init__(self, parent_class: str | None) -> None:
        self.parent_class = parent_class
        self.scene: list[int] = []
        self.node: list[int] = []
        self.parent: list[int] = []
        self.attributes: list[dict] = []

    def whole(self, device: torch.device | str) -> ClassTable:
        numbers, names = {}, {}
        for name, value in self.attributes[0].items():
            values = [attributes[name] for attributes in self.attributes]
            if isinstance(value, str):
                names[name] = values
            else:
                numbers[name] = torch.tensor(values, dtype=torch.float32, device=device)

        def whole(numbers: list[int]) -> Tensor:
            return torch.tensor(numbers, dtype=torch.long, device=device)

        return ClassTable(
            whole(self.scene),
            whole(self.node),
            whole(self.parent),
            numbers,
            names,
            self.parent_class,
        )
