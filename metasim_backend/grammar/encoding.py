"""Scene graphs as tensors for graph networks, and back.

Every (class, attribute) pair of the grammar that is not an integer is a *slot*, in the grammar's
order; A is the number of slots, N of nodes, E of edges, F of feature columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch_geometric.data import Data

from blender_addon.contract.scene_graph import AttributeValue, SceneGraph
from metasim_backend.grammar.language import AttributeSpec, Grammar, GrammarError
from metasim_backend.grammar.samples import attribute_samples

__all__ = ["Encoding", "SceneData", "Slot", "attribute_samples", "unit_to_value", "value_to_unit"]


@dataclass(frozen=True)
class Slot:
    """One attribute of one class.

    Attributes:
        class_name: the class.
        attribute: the attribute, with its kind, range, step and mutability.
        index: the slot's column in ``values``, ``present`` and ``mutable``.
        columns: its columns in the features: one for continuous, (sin, cos) for circular, one a
            category for categorical attributes.
    """

    class_name: str
    attribute: AttributeSpec
    index: int
    columns: slice

    @property
    def name(self) -> str:
        """Such as ``"car.yaw"``."""
        return f"{self.class_name}.{self.attribute.name}"

    @property
    def kind(self) -> str:
        return self.attribute.kind

    @property
    def width(self) -> int:
        """How many feature columns it has."""
        return self.columns.stop - self.columns.start

    @property
    def step_unit(self) -> float | None:
        """Half width of a finite difference in unit space; None for categorical attributes."""
        return None if self.attribute.step is None else self.attribute.step / self.attribute.span


def value_to_unit(slot: Slot, value: AttributeValue) -> float:
    """A value of the scene graph in unit space.

    Returns:
        Continuous: in [0, 1]. Circular: the fraction of the period in [0, 1). Categorical: the
        category's index.

    Raises:
        GrammarError: when the value is of the wrong kind, or an unknown category.
    """
    attribute = slot.attribute
    if attribute.kind == "categorical":
        if value not in attribute.values:
            raise GrammarError(f"{slot.name}: {value!r} is not one of {attribute.values}.")
        return float(attribute.values.index(str(value)))
    if isinstance(value, str):
        raise GrammarError(f"{slot.name}: {value!r} is not a number.")
    low, _ = attribute.bounds
    return (float(attribute.fit(value)) - low) / attribute.span


def unit_to_value(slot: Slot, unit: float) -> AttributeValue:
    """Inverse of :func:`value_to_unit`: clamped, wrapped, or rounded to the nearest category.

    Raises:
        GrammarError: when the unit value is not finite.
    """
    attribute = slot.attribute
    unit = float(unit)
    if not math.isfinite(unit):
        raise GrammarError(f"{slot.name}: the unit value {unit} is not finite.")
    if attribute.kind == "categorical":
        last = len(attribute.values) - 1
        return attribute.values[min(max(round(unit), 0), last)]
    low, _ = attribute.bounds
    return attribute.fit(low + unit * attribute.span)


class SceneData(Data):
    """A torch_geometric graph whose ``values`` is the tensor, in batches too.

    A plain Data hands ``data.values`` on to its storage's method of that name, which hides the
    tensor; ``data["values"]`` is the same in both.
    """

    @property
    def values(self) -> Tensor:
        return self["values"]


class Encoding:
    """The tensor form of a grammar's scenes.

    Attributes:
        grammar: the grammar.
        slots: every slot, in the grammar's order.
        slot_count: A.
        class_count: number of classes, in the grammar's order.
        feature_size: F: a one-hot class, then every slot's columns.
    """

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar
        self.class_count = len(grammar.classes)
        self._class_index = {spec.name: i for i, spec in enumerate(grammar.classes)}
        slots: list[Slot] = []
        column = self.class_count
        for spec in grammar.classes:
            for attribute in spec.attributes:
                if attribute.kind == "integer":
                    continue
                widths = {"continuous": 1, "circular": 2, "categorical": len(attribute.values)}
                end = column + widths[attribute.kind]
                slots.append(Slot(spec.name, attribute, len(slots), slice(column, end)))
                column = end
        self.slots = tuple(slots)
        self.slot_count = len(slots)
        self.feature_size = column
        self._by_name = {(slot.class_name, slot.attribute.name): slot for slot in slots}
        self._by_class = {
            spec.name: tuple(slot for slot in slots if slot.class_name == spec.name)
            for spec in grammar.classes
        }
        self._prepare_columns()
        # What a node of each class has, [classes, A].
        shape = (self.class_count, self.slot_count)
        self._present = torch.zeros(shape, dtype=torch.bool)
        self._mutable = torch.zeros(shape, dtype=torch.bool)
        self._turned = torch.zeros(self.slot_count, dtype=torch.bool)
        for slot in slots:
            self._present[self._class_index[slot.class_name], slot.index] = True
            self._mutable[self._class_index[slot.class_name], slot.index] = slot.attribute.mutable
            self._turned[slot.index] = slot.kind == "circular"

    def _prepare_columns(self) -> None:
        """Index tensors with which `features` gathers all slots of a kind at once."""
        of_kind = {
            kind: [slot for slot in self.slots if slot.kind == kind]
            for kind in ("continuous", "circular", "categorical")
        }
        self._continuous = torch.tensor([s.index for s in of_kind["continuous"]], dtype=torch.long)
        self._circular = torch.tensor([s.index for s in of_kind["circular"]], dtype=torch.long)
        categories = [(s.index, i) for s in of_kind["categorical"] for i in range(s.width)]
        self._categorical = torch.tensor([i for i, _ in categories], dtype=torch.long)
        self._category = torch.tensor([c for _, c in categories], dtype=torch.float32)
        gathered = list(range(self.class_count))
        gathered += [s.columns.start for s in of_kind["continuous"]]
        gathered += [s.columns.start for s in of_kind["circular"]]
        gathered += [s.columns.start + 1 for s in of_kind["circular"]]
        gathered += [c for s in of_kind["categorical"] for c in range(*s.columns.indices(10**9))]
        self._order = torch.argsort(torch.tensor(gathered))

    def slot(self, class_name: str, attribute: str) -> Slot:
        """The slot of an attribute.

        Raises:
            GrammarError: when there is none.
        """
        try:
            return self._by_name[class_name, attribute]
        except KeyError:
            raise GrammarError(f"The grammar has no slot {class_name}.{attribute}.") from None

    def encode(self, scene: SceneGraph) -> SceneData:
        """A scene as one graph; `torch_geometric.data.Batch` joins several.

        Returns:
            Data with ``values`` [N, A] float32 in unit space (0 where absent), ``present`` and
            ``mutable`` [N, A] bool, ``node_class`` [N] long, ``edge_index`` [2, E] long and
            ``edge_type`` [E] long (0 parent to child, 1 child to parent). Node order is the
            scene's.

        Raises:
            GrammarError: when the scene does not fit; `check_scene` says more.
        """
        count = len(scene.nodes)
        # Plain lists until the end: writing single elements of a tensor is many times slower.
        rows = [[0.0] * self.slot_count for _ in range(count)]
        row = {node.id: i for i, node in enumerate(scene.nodes)}
        classes, down = [], []
        for i, node in enumerate(scene.nodes):
            if node.class_name not in self._class_index:
                raise GrammarError(f"Node {node.id!r} has unknown class {node.class_name!r}.")
            classes.append(self._class_index[node.class_name])
            if node.parent is not None:
                down.append((row[node.parent], i))
            for slot in self._by_class[node.class_name]:
                name = slot.attribute.name
                if name not in node.attributes:
                    raise GrammarError(f"Node {node.id!r} lacks the attribute {name!r}.")
                rows[i][slot.index] = value_to_unit(slot, node.attributes[name])
        node_class = torch.tensor(classes, dtype=torch.long)
        single = torch.tensor(rows, dtype=torch.float32).reshape(count, self.slot_count)
        # Just below a full turn single precision rounds to 1, which is 0.
        single = torch.where(self._turned & (single >= 1), 0.0, single)
        edges = torch.tensor(down, dtype=torch.long).reshape(-1, 2).T
        return SceneData(
            values=single,
            present=self._present[node_class],
            mutable=self._mutable[node_class],
            node_class=node_class,
            edge_index=torch.cat([edges, edges.flip(0)], dim=1),
            edge_type=torch.arange(2).repeat_interleave(len(down)),
            num_nodes=count,
        )

    def features(self, values: Tensor, present: Tensor, node_class: Tensor) -> Tensor:
        """What a network reads; has a gradient with respect to non-categorical values.

        Args:
            values: [N, A] in unit space.
            present: [N, A] bool.
            node_class: [N] long.

        Returns:
            [N, F]: one-hot class, then each slot's columns; zeros where a slot is absent.
        """
        device = values.device
        masked = torch.where(present, values, torch.zeros_like(values))
        has = present.to(values.dtype)
        circular = self._circular.to(device)
        categorical = self._categorical.to(device)
        angle = 2 * math.pi * masked[:, circular]
        chosen = masked[:, categorical].round() == self._category.to(device)
        gathered = torch.cat(
            [
                torch.nn.functional.one_hot(node_class, self.class_count).to(values.dtype),
                masked[:, self._continuous.to(device)],
                angle.sin() * has[:, circular],
                angle.cos() * has[:, circular],
                chosen.to(values.dtype) * has[:, categorical],
            ],
            dim=1,
        )
        return gathered[:, self._order.to(device)]

    def decode(self, scene: SceneGraph, values: Tensor) -> SceneGraph:
        """The scene with new values in its mutable slots; everything else stays.

        Args:
            scene: the scene that was encoded.
            values: [N, A] in unit space, rows in the scene's node order; continuous ones are
                clamped, circular ones wrapped, categories rounded to the nearest index.

        Raises:
            GrammarError: when the shape is wrong or a value that is used is not finite.
        """
        if values.shape != (len(scene.nodes), self.slot_count):
            raise GrammarError(
                f"Values of shape {tuple(values.shape)} do not fit a scene of "
                f"{len(scene.nodes)} nodes and {self.slot_count} slots."
            )
        rows = values.detach().to("cpu", torch.float64).tolist()
        changes: dict[str, dict[str, AttributeValue]] = {}
        for node, row in zip(scene.nodes, rows, strict=True):
            new = {
                slot.attribute.name: unit_to_value(slot, row[slot.index])
                for slot in self._by_class.get(node.class_name, ())
                if slot.attribute.mutable and slot.attribute.name in node.attributes
            }
            if new:
                changes[node.id] = new
        return scene.with_attributes(changes)
